"""What a provider's host has, for network.py: a DDNS server that speaks dyndns2, and a mail server that keeps all it gets.

Both write down what they were told, a line each, into the file that is named: "ddns: REQUEST-LINE" and "mail: SUBJECT".
"""

import asyncio
import re
import sys
from urllib.parse import parse_qs, urlsplit

HOST = "11.2.0.1"


def note(what):
    with open(sys.argv[1], "a") as log:
        log.write(f"{what}\n")


async def ddns(reader, writer):
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    request = head.split("\r\n")[0]
    asked = parse_qs(urlsplit(request.split(" ")[1]).query)
    caller = writer.get_extra_info("peername")[0]
    note(f"ddns: {request} from {caller}")
    body = f"good {asked.get('myip', [caller])[0]}\n"
    writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode())
    await writer.drain()
    writer.close()


async def mail(reader, writer):
    def say(line):
        writer.write(f"{line}\r\n".encode())

    say("220 mail.lab")
    while line := (await reader.readline()).decode("latin-1").strip():
        if line.upper() == "DATA":
            say("354 go on")
            text = (await reader.readuntil(b"\r\n.\r\n")).decode("latin-1")
            note(f"mail: {text!r}")
            say("250 kept")
        elif line.upper() == "QUIT":
            say("221 bye")
            break
        elif re.match("(EHLO|HELO|MAIL|RCPT|RSET|NOOP)", line, re.I):
            say("250 yes")
        else:
            say("502 what?")
        await writer.drain()
    writer.close()


async def main():
    await asyncio.start_server(ddns, HOST, 80)
    await asyncio.start_server(mail, HOST, 25)
    note("ready")
    await asyncio.Event().wait()


asyncio.run(main())
