"""DATABASE=file seed.py COUNT HEADERS: users, and a token for each."""

import asyncio
import os
import secrets
import sys
import uuid
from datetime import datetime, timezone

os.environ["SYNCHRONOUS"] = "OFF"
from fastapi_users.password import PasswordHelper  # noqa: E402
from main import AccessToken, Base, User, engine  # noqa: E402

BATCH = 5000


async def main(count, headers):
    hashed, now = PasswordHelper().hash("correct horse 1"), datetime.now(timezone.utc)
    drawn = [(uuid.uuid4(), secrets.token_urlsafe()) for _ in range(count)]
    users = [
        {"id": user, "email": f"user{n}@example.com", "name": f"User {n}", "hashed_password": hashed,
         "is_active": True, "is_superuser": False, "is_verified": True}
        for n, (user, _) in enumerate(drawn, 1)]
    tokens = [{"token": token, "user_id": user, "created_at": now} for user, token in drawn]
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        for table, rows in [(User.__table__, users), (AccessToken.__table__, tokens)]:
            for begin in range(0, count, BATCH):
                await connection.execute(table.insert(), rows[begin:begin + BATCH])
    await engine.dispose()
    with open(headers, "w") as lines:
        lines.writelines(f"Authorization: Bearer {token}\n" for _, token in drawn)


asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
