// The orders of every person, for as long as this process lives.
export interface Order {
  id: number;
  item: string;
  at: string;
}

const orders = new Map<number, Order[]>();

export const ordersOf = (userId: number): Order[] => orders.get(userId) ?? [];

export function placeOrder(userId: number, item: string): Order {
  const order = { id: ordersOf(userId).length + 1, item, at: new Date().toISOString() };
  orders.set(userId, [order, ...ordersOf(userId)]);
  return order;
}

export const orderCount = (): number => [...orders.values()].reduce((sum, list) => sum + list.length, 0);
export const customerCount = (): number => orders.size;
