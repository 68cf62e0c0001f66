// What a deployment may say by environment variables (`NUXT_ADYTON_SERVER_PUBLIC_URL`,
// `NUXT_ADYTON_CONNECTOR_URL`, …): Nuxt overrides what stands in the runtime configuration, so each of them
// stands there, empty if nobody has set it.

type Table = Record<string, unknown>;

/** The option and the kind of its value. */
const KEYS: readonly (readonly [path: string, kind: "text" | "list" | "number"])[] = [
  ["baseUrl", "text"],
  ["connector.url", "text"],
  ["connector.name", "text"],
  ["connector.options.path", "text"],
  ["connector.options.host", "text"],
  ["connector.options.port", "number"],
  ["connector.options.user", "text"],
  ["connector.options.password", "text"],
  ["connector.options.database", "text"],
  ["server.publicUrl", "text"],
  ["server.trustedProxies", "list"],
  ["allowedOrigins", "list"],
  ["cookieDomain", "text"],
  ["rateLimiting.store", "text"],
];

/** Options with an empty place for each of these that is not set. */
export function withPlaces(options: Table): Table {
  const places = structuredClone(options);
  for (const [path] of KEYS) {
    const [table, key] = tableOf(places, path, true) ?? [{}, ""];
    table[key] ??= "";
  }
  return places;
}

/** The opposite: what is empty is not set, and what came as text is read. */
export function withoutPlaces(config: Table): Table {
  const options = structuredClone(config);
  for (const [path, kind] of KEYS) {
    const [table, key] = tableOf(options, path, false) ?? [{}, ""];
    const value = read(table[key], kind);
    if (value === undefined) Reflect.deleteProperty(table, key);
    else table[key] = value;
  }
  // One URL says it all; parts that the build knew are those of another database.
  const connector = options.connector as { url?: string } | undefined;
  if (connector?.url !== undefined) options.connector = { name: driverOf(connector.url), url: connector.url };
  return withoutEmptyTables(options);
}

function driverOf(url: string): string {
  const scheme = /^(postgres|mysql)/.exec(url)?.[1];
  return scheme === "postgres" ? "postgresql" : (scheme ?? "sqlite");
}

function read(value: unknown, kind: "text" | "list" | "number"): unknown {
  if (value === "" || value === undefined || value === null) return undefined;
  if (Array.isArray(value) || kind === "number") return kind === "number" ? Number(value) : value;
  // Nuxt has made a number of a password of digits.
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return kind === "text"
    ? text
    : text
        .split(",")
        .map((part) => part.trim())
        .filter(Boolean);
}

function tableOf(root: Table, path: string, create: boolean): [Table, string] | null {
  const keys = path.split(".");
  let table = root;
  for (const key of keys.slice(0, -1)) {
    if (create) table[key] ??= {};
    if (typeof table[key] !== "object" || table[key] === null) return null;
    table = table[key] as Table;
  }
  return [table, keys.at(-1) ?? ""];
}

function withoutEmptyTables(table: Table): Table {
  const full = Object.entries(table).map(
    ([key, value]) => [key, isTable(value) ? withoutEmptyTables(value) : value] as const,
  );
  return Object.fromEntries(full.filter(([, value]) => !isTable(value) || Object.keys(value).length > 0));
}

function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
