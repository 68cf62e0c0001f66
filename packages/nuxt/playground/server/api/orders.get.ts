export default defineEventHandler(async (event) => {
  const user = await requireUser(event);
  return ordersOf(user.id);
});
