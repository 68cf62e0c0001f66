// What a protected route costs beside an open one, in CPU time of the server's process (it has all its threads in it):
//
//   npm run bench            prints it
//   npm run bench -- --check also fails above the limit: 10 % more
//
// Rounds of the routes alternate, so that a busy machine slows all of them alike, and the median of their ratios counts.
import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import build from "../test/support/build";
import { startApp, Visitor } from "../test/support/app";

const LIMIT = 1.1;
const [ROUNDS, REQUESTS, CONNECTIONS] = [9, 6_000, 16];
/** USER_HZ, which Linux has fixed for everybody. */
const TICKS = 100;

interface Kind {
  name: string;
  path: string;
  headers: Record<string, string>;
}

build();
const app = await startApp();
const ada = new Visitor(app);
await ada.register("Ada");
const { token } = await ada.json<{ token: string }>("/api/auth/tokens", { json: { name: "bench" } });
const cookie = [...ada.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
const kinds: Kind[] = [
  { name: "open", path: "/open", headers: {} },
  {
    name: "open, with a token that nobody asks for",
    path: "/open",
    headers: { authorization: `Bearer ${token}` },
  },
  { name: "exempt under /api", path: "/api/public/prices", headers: {} },
  { name: "protected, by token", path: "/api/orders", headers: { authorization: `Bearer ${token}` } },
  { name: "protected, by cookie", path: "/api/orders", headers: { cookie } },
];

for (const kind of kinds) await load(kind);
const ratios = kinds.map(() => [] as number[]);
const costs = kinds.map(() => [] as number[]);
for (let round = 0; round < ROUNDS; round += 1) {
  const spent: number[] = [];
  for (const kind of kinds) spent.push(await load(kind));
  spent.forEach((cost, at) => {
    costs[at]!.push(cost);
    ratios[at]!.push(cost / spent[0]!);
  });
}
await app.stop();

kinds.forEach(({ name }, at) =>
  console.log(`${median(costs[at]!).toFixed(1).padStart(7)} µs  ×${median(ratios[at]!).toFixed(3)}  ${name}`),
);
if (process.argv.includes("--check") && median(ratios[3]!) > LIMIT) {
  console.error(`a protected route costs more than ${LIMIT} times an open one`);
  process.exitCode = 1;
}

/** CPU time of one request in µs. */
async function load({ path, headers }: Kind): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const before = cpu();
  let left = REQUESTS;
  const worker = async () => {
    while (left-- > 0) await once(agent, path, headers);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  const after = cpu();
  agent.destroy();
  return ((after - before) / REQUESTS) * 1e6;
}

function once(agent: Agent, path: string, headers: Record<string, string>): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request(app.url + path, { agent, headers }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`${path} answers ${response.statusCode ?? 0}`));
      response.resume().on("end", resolve);
    });
    sent.on("error", reject).end();
  });
}

/** Seconds of CPU that the server has used (proc(5): utime and stime). */
function cpu(): number {
  const fields = readFileSync(`/proc/${app.pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
