// Express: Node's own requests and responses.

import { AuthError, createAuth, nodeHandler } from "@adyton/node";
import express from "express";

const auth = createAuth({ connector: { options: { path: process.env.DATABASE ?? "./data/auth.sqlite3" } } });
const app = express();

// Before `express.json()`: the endpoints read their bodies themselves.
app.use(auth.basePath, nodeHandler(auth));

app.use("/api", express.json(), async (request, response, next) => {
  request.principal = await auth.authenticate(request);
  if (!request.principal) return response.status(401).json({ code: "unauthenticated" });
  next();
});

app.get("/api/orders", (request, response) => {
  response.json({ orders: [], of: request.principal.user.name });
});
app.post("/api/orders", (request, response) => {
  response.status(201).json({ id: 1 });
});

app.use((error, request, response, next) => {
  if (!(error instanceof AuthError)) return next(error);
  response.status(error.status).json(error.problem);
});

const server = app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () =>
  console.log(`http://localhost:${server.address().port}`),
);

process.on("SIGTERM", () => server.close(() => auth.close()));
