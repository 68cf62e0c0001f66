"""The full example of fastapi-users' documentation, with tokens in the database and SQLite in WAL mode."""

import os
import uuid

from fastapi import Depends, FastAPI
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin, schemas
from fastapi_users.authentication import AuthenticationBackend, BearerTransport
from fastapi_users.authentication.strategy.db import DatabaseStrategy
from fastapi_users.db import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
from fastapi_users_db_sqlalchemy.access_token import (
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyBaseAccessTokenTableUUID,
)
from sqlalchemy import String, event
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    name: Mapped[str] = mapped_column(String(100), default="New")


class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, Base):
    pass


class UserRead(schemas.BaseUser[uuid.UUID]):
    name: str


class UserCreate(schemas.BaseUserCreate):
    pass


engine = create_async_engine("sqlite+aiosqlite:///" + os.environ["DATABASE"], connect_args={"timeout": 20})
sessions = async_sessionmaker(engine, expire_on_commit=False)


@event.listens_for(engine.sync_engine, "connect")
def configure(connection, _):
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = " + os.environ.get("SYNCHRONOUS", "NORMAL"))
    cursor.close()


async def session():
    async with sessions() as opened:
        yield opened


async def users(opened=Depends(session)):
    yield SQLAlchemyUserDatabase(opened, User)


async def tokens(opened=Depends(session)):
    yield SQLAlchemyAccessTokenDatabase(opened, AccessToken)


class UserManager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    reset_password_token_secret = "for-the-benchmark-alone-0123456789"
    verification_token_secret = "for-the-benchmark-alone-0123456789"


async def manager(database=Depends(users)):
    yield UserManager(database)


def strategy(database=Depends(tokens)):
    return DatabaseStrategy(database, lifetime_seconds=30 * 24 * 60 * 60)


backend = AuthenticationBackend(
    name="database", transport=BearerTransport(tokenUrl="auth/login"), get_strategy=strategy)
auth = FastAPIUsers[User, uuid.UUID](manager, [backend])
app = FastAPI()
app.include_router(auth.get_auth_router(backend), prefix="/auth")
app.include_router(auth.get_register_router(UserRead, UserCreate), prefix="/auth")
app.include_router(auth.get_users_router(UserRead, UserCreate), prefix="/users")
