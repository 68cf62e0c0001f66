// Hono: web requests in, web responses out.

import { serve } from "@hono/node-server";
import { getConnInfo } from "@hono/node-server/conninfo";
import { AuthError, createAuth } from "@adyton/node";
import { Hono } from "hono";

const auth = createAuth({ connector: { options: { path: process.env.DATABASE ?? "./data/auth.sqlite3" } } });
const app = new Hono();
const client = (c) => ({ clientAddress: getConnInfo(c).remote.address });

app.all(`${auth.basePath}/*`, (c) => auth.handler(c.req.raw, client(c)));

app.use("/api/*", async (c, next) => {
  const principal = await auth.authenticate(c.req.raw, client(c));
  if (!principal) return c.json({ code: "unauthenticated" }, 401);
  c.set("principal", principal);
  return next();
});

app.get("/api/orders", (c) => c.json({ orders: [], of: c.get("principal").user.name }));
app.post("/api/orders", (c) => c.json({ id: 1 }, 201));

app.onError((error) => {
  if (error instanceof AuthError) return error.toResponse();
  throw error;
});

const where = { hostname: "127.0.0.1", port: Number(process.env.PORT ?? 3000) };
const server = serve({ fetch: app.fetch, ...where }, ({ port }) => console.log(`http://localhost:${port}`));

process.on("SIGTERM", () => server.close(() => auth.close()));
