// Fastify: the endpoints in a scope of their own, whose bodies nobody parses before.

import { AuthError, createAuth, nodeHandler } from "@adyton/node";
import fastify from "fastify";

const auth = createAuth({ connector: { options: { path: process.env.DATABASE ?? "./data/auth.sqlite3" } } });
const app = fastify();

app.register(async (endpoints) => {
  const handle = nodeHandler(auth);
  endpoints.removeAllContentTypeParsers();
  endpoints.addContentTypeParser("*", (request, body, done) => done(null));
  endpoints.all(`${auth.basePath}/*`, (request, reply) => {
    reply.hijack();
    return handle(request.raw, reply.raw);
  });
});

app.decorateRequest("principal", null);
app.register(async (routes) => {
  routes.addHook("onRequest", async (request, reply) => {
    request.principal = await auth.authenticate(request.raw);
    if (!request.principal) return reply.code(401).send({ code: "unauthenticated" });
  });
  routes.get("/api/orders", async (request) => ({ orders: [], of: request.principal.user.name }));
  routes.post("/api/orders", async (request, reply) => reply.code(201).send({ id: 1 }));
});

app.setErrorHandler((error, request, reply) => {
  if (!(error instanceof AuthError)) return reply.send(error);
  return reply.code(error.status).type("application/problem+json").send(error.problem);
});

app.addHook("onClose", () => auth.close());

const address = await app.listen({ host: "127.0.0.1", port: Number(process.env.PORT ?? 3000) });
console.log(address.replace("127.0.0.1", "localhost"));

process.on("SIGTERM", () => app.close());
