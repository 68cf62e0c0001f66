// Adyton inside node:http, in one process a core (WORKERS), as better-auth beside it: `/user` is the app's own
// protected route. Limits on attempts are off, as with every server of the benchmark.

import cluster from "node:cluster";
import { createServer } from "node:http";
import { availableParallelism } from "node:os";

if (cluster.isPrimary) {
  const workers = Number(process.env.WORKERS ?? availableParallelism());
  for (let n = 0; n < workers; n += 1) cluster.fork();
  process.on("SIGTERM", () => process.exit());
} else {
  const { AuthError, createAuth, nodeHandler } = await import("@adyton/node");
  const auth = createAuth({
    connector: { options: { path: process.env.DATABASE } },
    rateLimiting: { enabled: false },
  });
  const endpoints = nodeHandler(auth);
  const server = createServer(async (request, response) => {
    if (request.url.startsWith(`${auth.basePath}/`)) return endpoints(request, response);
    try {
      const caller = await auth.authenticate(request);
      const body = JSON.stringify(caller?.user ?? null);
      response.writeHead(caller ? 200 : 401, { "content-type": "application/json" }).end(body);
    } catch (error) {
      if (!(error instanceof AuthError)) throw error;
      response.writeHead(error.status, error.headers).end(JSON.stringify(error.problem));
    }
  });
  server.listen(Number(process.env.PORT), "127.0.0.1");
}
