"""Fills the tables that `adyton migrate` has made: users who share one password, and one personal
token each, of the form that Adyton issues."""

import hashlib
import random
import sqlite3
import string
import zlib

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
MADE, ENDS = "2026-01-01 00:00:00", "2126-01-01 00:00:00"


def token(draw):
    """`adt_`, 43 base62 characters, and their CRC-32 as six base62 digits."""
    text = "adt_" + "".join(draw.choices(BASE62, k=43))
    rest, digits = zlib.crc32(text.encode()), ""
    for _ in range(6):
        rest, digit = divmod(rest, 62)
        digits = BASE62[digit] + digits
    return text + digits


def fill(database, count, password_hash):
    """Adds the users `user<N>@example.com` and returns their tokens, which are the same each time."""
    draw = random.Random(count)
    tokens = [token(draw) for _ in range(count)]
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA synchronous = OFF")
    with connection:
        connection.executemany(
            "INSERT INTO users (id, name, email, password, created_at, updated_at)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            ((n, f"User {n}", f"user{n}@example.com", password_hash, MADE, MADE)
             for n in range(1, count + 1)))
        connection.executemany(
            "INSERT INTO personal_access_tokens (tokenable_type, tokenable_id, name, token,"
            " abilities, expires_at, created_at, updated_at)"
            " VALUES ('user', ?, 'bench', ?, '[\"*\"]', ?, ?, ?)",
            ((n, hashlib.sha256(text.encode()).hexdigest(), ENDS, MADE, MADE)
             for n, text in enumerate(tokens, 1)))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return tokens
