export default defineEventHandler(async (event) => {
  await requireAbility(event, "reports");
  return { orders: orderCount(), customers: customerCount() };
});
