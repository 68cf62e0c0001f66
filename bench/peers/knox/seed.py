"""DATABASE=file seed.py COUNT HEADERS: users, and a token for each."""

import os
import sys
from datetime import timedelta

os.environ["DJANGO_SETTINGS_MODULE"] = "app.settings"
import django  # noqa: E402

django.setup()
from django.contrib.auth.hashers import make_password  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402
from knox.models import AuthToken, get_digest_token  # noqa: E402
from knox.settings import CONSTANTS  # noqa: E402

count, headers = int(sys.argv[1]), sys.argv[2]
call_command("migrate", verbosity=0)
connection.cursor().execute("PRAGMA synchronous = OFF")
hashed, end = make_password("correct horse 1"), timezone.now() + timedelta(days=30)
drawn = [get_digest_token() for _ in range(count)]
User.objects.bulk_create(
    [User(id=n, username=f"user{n}@example.com", email=f"user{n}@example.com",
          first_name=f"User {n}", password=hashed) for n in range(1, count + 1)],
    batch_size=1000)
AuthToken.objects.bulk_create(
    [AuthToken(digest=digest, token_key=token[:CONSTANTS.TOKEN_KEY_LENGTH], user_id=n, expiry=end)
     for n, (digest, token) in enumerate(drawn, 1)],
    batch_size=1000)
with open(headers, "w") as lines:
    lines.writelines(f"Authorization: Token {token}\n" for _, token in drawn)
