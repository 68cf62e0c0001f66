export default defineEventHandler(async (event) => {
  const user = await requireUser(event);
  const { item } = await readBody<{ item?: unknown }>(event);
  if (typeof item !== "string" || !item.trim()) {
    const detail = "Say what you want.";
    throw createError({
      statusCode: 422,
      data: { status: 422, code: "validation_failed", detail, errors: { item: [detail] } },
    });
  }
  setResponseStatus(event, 201);
  return placeOrder(user.id, item.trim().slice(0, 255));
});
