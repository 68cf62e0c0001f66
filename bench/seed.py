"""Fills the tables that `adyton migrate` has made: users who share one password, with personal tokens
and sessions of the form that Adyton issues."""

import hashlib
import hmac
import random
import shutil
import sqlite3
import string
import subprocess
import zlib
from datetime import datetime, timedelta, timezone

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
MADE, ENDS = "2026-01-01 00:00:00", "2126-01-01 00:00:00"
PASSWORD = "correct horse 1"
USERS = "INSERT INTO users (id, name, email, password, created_at, updated_at)"
TOKENS = """INSERT INTO personal_access_tokens (tokenable_type, tokenable_id, name, token, abilities,
            expires_at, created_at, updated_at)"""
SESSIONS = """INSERT INTO auth_sessions (public_id, user_id, guard, abilities, secret_hash, rotation,
              remember, created_at, last_seen_at, expires_at)"""


def secret(draw, prefix="adt_"):
    """The prefix, 43 base62 characters, and their CRC-32 as six base62 digits."""
    text = prefix + "".join(draw.choices(BASE62, k=43))
    rest, digits = zlib.crc32(text.encode()), ""
    for _ in range(6):
        rest, digit = divmod(rest, 62)
        digits = BASE62[digit] + digits
    return text + digits


def hashed(text):
    return hashlib.sha256(text.encode()).hexdigest()


def migrate(adyton, database, environment):
    """Makes the tables, and returns the hash of the password that all users share."""
    def run(*command, **more):
        subprocess.run([adyton, *command], env=environment, cwd=database.parent, check=True,
                       stdout=subprocess.DEVNULL, **more)

    run("migrate")
    run("user", "create", "--name", "Seed", "--email", "seed@example.com", text=True,
        input=PASSWORD + "\n")
    with opened(database) as connection:
        (password_hash,) = connection.execute("SELECT password FROM users").fetchone()
        connection.execute("DELETE FROM users")
    return password_hash


class opened:
    """A connection that commits once, at the end, and keeps no log of it."""

    def __init__(self, database):
        self.connection = sqlite3.connect(database)
        for setting in ["journal_mode = OFF", "synchronous = OFF", "cache_size = -1000000"]:
            self.connection.execute(f"PRAGMA {setting}")

    def __enter__(self):
        return self.connection

    def __exit__(self, *_):
        self.connection.commit()
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.close()


def copy(database, to):
    """Copies a database that nobody has open, with what its log still held."""
    with opened(database):
        pass
    shutil.copy(database, to)


def fill(database, count, password_hash):
    """Adds the users `user<N>@example.com` and returns their tokens, which are the same each time."""
    draw = random.Random(count)
    tokens = [secret(draw) for _ in range(count)]
    with opened(database) as connection:
        connection.executemany(
            f"{USERS} VALUES (?, ?, ?, ?, ?, ?)",
            ((n, f"User {n}", f"user{n}@example.com", password_hash, MADE, MADE)
             for n in range(1, count + 1)))
        connection.executemany(
            f"{TOKENS} VALUES ('user', ?, 'bench', ?, '[\"*\"]', ?, ?, ?)",
            ((n, hashed(text), ENDS, MADE, MADE) for n, text in enumerate(tokens, 1)))
    return tokens


def sessions(database, guard, prefix, count, users):
    """Adds sessions that have just begun, and returns their secrets."""
    draw = random.Random(f"{guard} {count}")
    secrets = [secret(draw, prefix) for _ in range(count)]
    now, end = (datetime.now(timezone.utc) + timedelta(days=days) for days in (0, 30))
    form = "%Y-%m-%d %H:%M:%S"
    with opened(database) as connection:
        connection.executemany(
            f"{SESSIONS} VALUES (?, ?, ?, '[\"*\"]', ?, 0, 1, ?, ?, ?)",
            ((f"bench-{guard}-{n}", n % users + 1, guard, hashed(text), now.strftime(form),
              now.strftime(form), end.strftime(form)) for n, text in enumerate(secrets)))
    return secrets


def browser_headers(secrets):
    """What a page of our own sends: the session's cookie and the token against CSRF."""
    for text in secrets:
        nonce = text[4:26]
        proof = hmac.new(text.encode(), f"xsrf\0{nonce}\0".encode(), "sha256").hexdigest()
        yield f"Cookie: adyton_session={text}; XSRF-TOKEN=x{nonce}{proof}"


def crowd(database, count, shown):
    """`count` tokens of a tenth as many users, in the order of their hashes, so that the index grows at
    its end. Returns the `shown` ones that are known, spread evenly, in random order."""
    draw = random.Random(count)
    known = [secret(draw) for _ in range(shown)]
    hashes = sorted(map(hashed, known))
    users, parts, at = max(1, count // 10), 256, 0
    with opened(database) as connection:
        connection.execute(
            f"""WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?)
                {USERS} SELECT n, 'User ' || n, 'user' || n || '@example.com', '', ?, ? FROM n""",
            (users, MADE, MADE))
        connection.execute("CREATE TEMP TABLE part (hash TEXT)")
        for part in range(parts):
            begin, prefix = at, f"{part:02x}"
            while at < shown and hashes[at].startswith(prefix):
                at += 1
            rest = (count - shown) * (part + 1) // parts - (count - shown) * part // parts
            connection.execute("DELETE FROM temp.part")
            connection.executemany("INSERT INTO temp.part VALUES (?)",
                                   ((text,) for text in hashes[begin:at]))
            connection.execute(
                """WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1)
                   INSERT INTO temp.part SELECT ?2 || lower(hex(randomblob(31))) FROM n WHERE ?1 > 0""",
                (rest, prefix))
            connection.execute(
                f"""{TOKENS} SELECT 'user', abs(random()) % ? + 1, 'bench', hash, '["*"]', ?, ?, ?
                    FROM temp.part ORDER BY hash""", (users, ENDS, MADE, MADE))
    return known


def expire(database, count):
    """Has about so many tokens, spread evenly, be long over."""
    with opened(database) as connection:
        (most,) = connection.execute("SELECT max(id) FROM personal_access_tokens").fetchone()
        connection.execute("UPDATE personal_access_tokens SET expires_at = ? WHERE id % ? = 0",
                           (MADE, max(1, most // count)))


def count_expired(database):
    with sqlite3.connect(database) as connection:
        sql = "SELECT count(*) FROM personal_access_tokens WHERE expires_at = ?"
        (count,) = connection.execute(sql, (MADE,)).fetchone()
    connection.close()
    return count
