// Listed in `noAuthRoutes`.
export default defineEventHandler(() => [
  { item: "Espresso", price: "€ 2.20" },
  { item: "Filter", price: "€ 2.80" },
  { item: "Flat white", price: "€ 3.40" },
]);
