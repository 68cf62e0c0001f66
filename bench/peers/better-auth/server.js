// node:http in one process a core (WORKERS), as Node's documentation has it.

import cluster from "node:cluster";
import { createServer } from "node:http";
import { availableParallelism } from "node:os";

if (cluster.isPrimary) {
  const workers = Number(process.env.WORKERS ?? availableParallelism());
  for (let n = 0; n < workers; n += 1) cluster.fork();
  process.on("SIGTERM", () => process.exit());
} else {
  const { auth } = await import("./auth.js");
  const { toNodeHandler } = await import("better-auth/node");
  createServer(toNodeHandler(auth)).listen(Number(process.env.PORT), "127.0.0.1");
}
