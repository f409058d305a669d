"""Mail servers for mail.test.mjs: Debian's aiosmtpd, which refuses on demand.

    mail_server.py FOLDER [PORT]    serves until its standard input ends; the certificate is FOLDER/cert.pem and key.pem

It prints the ports as JSON: `clear` (by LOGIN) and `cram` let log in without encryption, `upgrade` only behind STARTTLS, `tls` speaks TLS from the
beginning, `open` lets nobody log in, `closed` greets nobody. With PORT there is `clear` alone, there. What is taken is appended
to FOLDER/mails as a line of JSON: who sent it to whom, how, and what is in it.

What is refused: the users `nobody` (by his name), and all whose password is not `mails-it`; the sender `refused@…`; the
receivers `refused@…`, and `later@…` for now; the mail to `spam@…`. The sender `lost@…` has the connection cut.
"""

import asyncio
import base64
import email
import email.policy
import hashlib
import hmac
import json
import os
import ssl
import sys

from aiosmtpd.smtp import MISSING, SMTP, AuthResult, LoginPassword, auth_mechanism

folder = sys.argv[1]
ports = {}


def check(server, session, envelope, mechanism, data):
    right = data.login != b"nobody" and data.password == b"mails-it"
    return AuthResult(success=right, handled=False, auth_data=mechanism)


class Clerk:
    """Takes mails, or not."""

    def __init__(self, name):
        self.name = name

    async def handle_EHLO(self, server, session, envelope, hostname):
        session.host_name = hostname
        return "554 5.3.2 Nobody is served" if self.name == "closed" else "250 HELP"

    async def auth_LOGIN(self, server, args):
        login = await server.challenge_auth("Username:")
        if login is MISSING:
            return AuthResult(success=False)
        if login == b"nobody":
            await server.push("535 5.7.8 No such user")
            return AuthResult(success=False, handled=True)
        password = await server.challenge_auth("Password:")
        if password is MISSING:
            return AuthResult(success=False)
        return check(server, server.session, None, "LOGIN", LoginPassword(login, password))

    @auth_mechanism("CRAM-MD5")
    async def auth_cram(self, server, args):
        challenge = b"<1896.697170952@localhost>"
        answer = await server.challenge_auth(challenge)
        if answer is MISSING:
            return AuthResult(success=False)
        right = b"cam " + hmac.new(b"mails-it", challenge, hashlib.md5).hexdigest().encode()
        return AuthResult(success=answer == right, handled=False, auth_data="CRAM-MD5")

    async def handle_MAIL(self, server, session, envelope, address, options):
        if address.startswith("lost@"):
            server.transport.abort()
            return "421 gone"
        if address.startswith("refused@"):
            return "550 5.1.0 Refused"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refused@"):
            return "550 5.1.1 Refused"
        if address.startswith("later@"):
            return "450 4.2.0 Later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if any(address.startswith("spam@") for address in envelope.rcpt_tos):
            return "554 5.7.1 Refused"
        line = {
            "server": self.name,
            "hello": session.host_name,
            "encrypted": session.ssl is not None or self.name == "tls",
            "login": session.auth_data if session.authenticated else None,
            "sender": envelope.mail_from,
            "receivers": envelope.rcpt_tos,
            **read(envelope.content),
        }
        with open(f"{folder}/mails", "a") as mails:
            mails.write(json.dumps(line) + "\n")
        return "250 2.0.0 Taken"


def read(content):
    """Says what is in a mail; fails if anything is wrong with it."""
    mail = email.message_from_bytes(content, policy=email.policy.default)
    parts = [mail, *mail.walk()]
    defects = [str(defect) for part in parts for defect in [*part.defects, *(d for h in part.values() for d in h.defects)]]
    pictures = [
        {"name": part.get_filename(), "type": part.get_content_type(), "jpeg": base64.b64encode(part.get_content()).decode()}
        for part in mail.iter_attachments()
    ]
    return {
        "headers": [name for name in mail.keys()],
        "subject": mail["Subject"],
        "from": mail["From"],
        "to": mail["To"],
        "id": mail["Message-ID"],
        "date": mail["Date"].datetime.timestamp(),
        "text": mail.get_body(("plain",)).get_content(),
        "pictures": pictures,
        "defects": defects,
    }


async def main():
    loop = asyncio.get_running_loop()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(f"{folder}/cert.pem", f"{folder}/key.pem")

    async def serve(name, port=0, implicit=None, **options):
        make = lambda: SMTP(Clerk(name), authenticator=check, loop=loop, **options)
        server = await loop.create_server(make, "127.0.0.1", port, ssl=implicit)
        ports[name] = server.sockets[0].getsockname()[1]

    exclude = {"auth_exclude_mechanism": ["PLAIN", "CRAM-MD5"]}
    if len(sys.argv) > 2:
        await serve("clear", int(sys.argv[2]), auth_require_tls=False, **exclude)
    else:
        await serve("clear", auth_require_tls=False, **exclude)
        await serve("cram", auth_require_tls=False)
        await serve("upgrade", tls_context=context, require_starttls=True)
        await serve("tls", implicit=context, auth_require_tls=False)
        await serve("open")
        await serve("closed")
    print(json.dumps(ports), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    os._exit(0)


asyncio.run(main())
