// What the engine costs in process, on the addon that was built last (build it with the profile release): CPU
// time of the whole process, its threads included, which a busy machine does not add to as it does to waiting.
//   node bench/authenticate.mjs           prints medians of rounds
//   node bench/authenticate.mjs --check   fails where a known token costs more than it may

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAuth } from "@adyton/node";

/** Microseconds that `authenticate` may cost for a token that is in memory, the principal included. */
const LIMIT = 5;
const AGENT =
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36";
const [ROUNDS, CALLS] = [50, 2_000];

const folder = mkdtempSync(join(tmpdir(), "adyton-bench-"));
const options = { connector: { options: { path: join(folder, "auth.sqlite3") } }, cache: { enabled: true } };
const auth = createAuth(options, { log: false });
const user = await auth.api.createUser({
  name: "Ada",
  email: "ada@example.com",
  password: "correct horse 1",
});
const personal = (await auth.api.createToken(user.id, { name: "bench" })).token;
const session = await signIn();

/** A request as a browser or a proxy sends it. */
const request = (token) => ({
  method: "GET",
  url: "/api/orders?page=2",
  headers: [
    "Host",
    "app.example.com",
    "User-Agent",
    AGENT,
    "Accept",
    "application/json, text/plain, */*",
    "Accept-Encoding",
    "gzip, deflate, br, zstd",
    "Accept-Language",
    "en-GB,en;q=0.9,de;q=0.8",
    "Authorization",
    `Bearer ${token}`,
    "Connection",
    "keep-alive",
    "Referer",
    "https://app.example.com/orders",
    "Sec-Fetch-Dest",
    "empty",
    "Sec-Fetch-Mode",
    "cors",
    "Sec-Fetch-Site",
    "same-origin",
  ],
  clientAddress: "192.0.2.1",
});

const known = await measure("authenticate, a session's token", request(session.token), (head) =>
  auth.authenticate(head),
);
await measure("authenticate, a personal token", request(personal), (head) => auth.authenticate(head));
await measure("authenticate, a guest", { ...request(""), headers: ["Host", "localhost"] }, (head) =>
  auth.authenticate(head),
);
const path = `${auth.basePath}/user`;
await measure("handle, GET /user", { ...request(personal), url: path }, (head) => auth.handle(head));
const web = new Request(`http://localhost${path}`, { headers: { authorization: `Bearer ${personal}` } });
await measure(
  "handler, GET /user by a web request",
  web,
  (head) => auth.handler(head, { clientAddress: "192.0.2.1" }),
  true,
);
await measure("api.findUser", user.id, (id) => auth.api.findUser(id), true);
await measure("a wait for the writer (prune)", 24, (hours) => auth.api.prune(hours), true);

await auth.close();
rmSync(folder, { recursive: true });
if (process.argv.includes("--check") && known > LIMIT) {
  console.error(`authenticate costs ${known.toFixed(2)} µs, more than ${LIMIT}`);
  process.exitCode = 1;
}

async function signIn() {
  const answer = await auth.handle({
    method: "POST",
    url: `${auth.basePath}/login`,
    clientAddress: "192.0.2.1",
    headers: ["host", "localhost", "content-type", "application/json", "user-agent", AGENT],
    body: JSON.stringify({ email: "ada@example.com", password: "correct horse 1", guard: "token" }),
  });
  return JSON.parse(Buffer.from(answer.body).toString());
}

async function measure(what, input, call, waits = false) {
  if (!waits && call(input) instanceof Promise) throw new Error(`${what} was not answered at once`);
  const rounds = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = process.cpuUsage();
    for (let at = 0; at < CALLS; at += 1) waits ? await call(input) : call(input);
    const { user, system } = process.cpuUsage(start);
    rounds.push((user + system) / CALLS);
  }
  rounds.sort((a, b) => a - b);
  const median = rounds[ROUNDS / 2];
  console.log(`${what.padEnd(40)} ${median.toFixed(2).padStart(7)} µs`);
  return median;
}
