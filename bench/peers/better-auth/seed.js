// DATABASE=file node seed.js COUNT HEADERS: users, and a session for each.

import { createHmac, randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { hashPassword } from "better-auth/crypto";
import { getMigrations } from "better-auth/db/migration";
import { SECRET, database, options } from "./auth.js";

const [count, headers] = process.argv.slice(2);
await (await getMigrations(options)).runMigrations();
const hash = await hashPassword("correct horse 1");
const now = new Date().toISOString();
const end = new Date(Date.now() + 7 * 24 * 60 * 60 * 1000).toISOString();
const draw = () => randomBytes(24).toString("base64url");

const user = database.prepare(
  "INSERT INTO user (id, name, email, emailVerified, createdAt, updatedAt) VALUES (?, ?, ?, 1, ?, ?)",
);
const account = database.prepare(
  "INSERT INTO account (id, accountId, providerId, userId, password, createdAt, updatedAt) VALUES (?, ?, 'credential', ?, ?, ?, ?)",
);
const session = database.prepare(
  "INSERT INTO session (id, expiresAt, token, createdAt, updatedAt, ipAddress, userAgent, userId) VALUES (?, ?, ?, ?, ?, '127.0.0.1', 'bench', ?)",
);
const lines = [];
database.transaction(() => {
  for (let n = 1; n <= Number(count); n += 1) {
    const [id, token] = [draw(), draw()];
    user.run(id, `User ${n}`, `user${n}@example.com`, now, now);
    account.run(draw(), id, id, hash, now, now);
    session.run(draw(), end, token, now, now, id);
    const signature = createHmac("sha256", SECRET).update(token).digest("base64");
    lines.push(`Authorization: Bearer ${token}.${signature}`);
  }
})();
database.pragma("wal_checkpoint(TRUNCATE)");
writeFileSync(headers, `${lines.join("\n")}\n`);
