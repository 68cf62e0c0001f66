export default defineEventHandler(async (event) => {
  const { user, guard } = await requireAbility(event, "admin");
  return { askedBy: user.name, guard, node: process.version };
});
