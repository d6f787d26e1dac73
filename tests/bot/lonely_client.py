"""A program of its own that answers everything on Discord; to be killed by a test."""

import os

import discord

from bot.endpoints import Endpoints
from bot.gateway import intents_for


class Lonely(discord.Client):
    async def on_message(self, message: discord.Message) -> None:
        if not message.author.bot:
            await message.reply(f"{message.content}, indeed", nonce=str(message.id))


def main() -> None:
    names = ("DISCORD_API_BASE", "DISCORD_GATEWAY_URL", "DISCORD_CDN_BASE")
    Endpoints.from_settings(*(os.environ[name] for name in names)).apply()
    client = Lonely(intents=intents_for(content=True))
    client.run(os.environ["DISCORD_TOKEN"], log_handler=None)


if __name__ == "__main__":
    main()
