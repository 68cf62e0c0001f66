export default defineEventHandler(async (event) => {
  const user = await requireAbility(event, "admin");
  const principal = await getPrincipal(event);
  return { askedBy: user.name, guard: principal?.guard, node: process.version };
});
