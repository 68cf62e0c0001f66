// h3, the server below Nitro and Nuxt.

import { createServer } from "node:http";
import { AuthError, createAuth, nodeHandler } from "@adyton/node";
import { createApp, createError, createRouter, defineEventHandler, fromNodeMiddleware } from "h3";
import { setResponseStatus, toNodeListener } from "h3";

const auth = createAuth({ connector: { options: { path: process.env.DATABASE ?? "./data/auth.sqlite3" } } });
const app = createApp();

app.use(auth.basePath, fromNodeMiddleware(nodeHandler(auth)));

app.use(
  "/api",
  defineEventHandler(async (event) => {
    try {
      event.context.principal = await auth.authenticate(event.node.req);
    } catch (error) {
      if (!(error instanceof AuthError)) throw error;
      throw createError({ statusCode: error.status, data: error.problem });
    }
    if (!event.context.principal) throw createError({ statusCode: 401 });
  }),
);

const router = createRouter()
  .get(
    "/api/orders",
    defineEventHandler((event) => ({ orders: [], of: event.context.principal.user.name })),
  )
  .post(
    "/api/orders",
    defineEventHandler((event) => (setResponseStatus(event, 201), { id: 1 })),
  );
app.use(router);

const server = createServer(toNodeListener(app)).listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () =>
  console.log(`http://localhost:${server.address().port}`),
);

process.on("SIGTERM", () => server.close(() => auth.close()));
