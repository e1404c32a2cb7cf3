"""What may be connected to: no private address that the site has not listed, no certificate that nobody vouches for."""

import asyncio
import datetime as dt
import socket
import ssl
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from adapters.credentials.secret import Secret
from adapters.qad.asking.client import Credentials, QadClient
from adapters.qad.profiles.calls import CallLimits
from adapters.qad.profiles.profile import Profile
from adapters.reach import PUBLIC, Reach, connector, is_public
from adapters.settings import address_problem
from adapters.zuora.asking.allowances import Allowance
from adapters.zuora.asking.budget import Budget
from adapters.zuora.asking.client import ZuoraClient
from adapters.zuora.asking.commons import Commons
from schemas.errors import Misconfigured, Transient
from tests.adapters.ground import given

QAD = Credentials(client_id=Secret("ml"), username=Secret("user"), password=Secret("connector-word"))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.9.1", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
        "0.0.0.0", "100.64.0.1", "192.0.2.1", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1",
        "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "2002:0a00:0001::1",
        "64:ff9b::7f00:1", "64:ff9b::a00:1",
    ],
)  # fmt: skip
def test_what_is_no_address_of_the_public_internet(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_what_is_one(address):
    assert is_public(address)


# -- names and addresses ---------------------------------------------------------------------------------------------


@asynccontextmanager
async def listening(certificate=None):
    """Answer everything with an empty object on a port of this machine; yield the port and what was asked."""
    asked = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.json_response({"access_token": "t", "expires_in": 3600})

    application = web.Application()
    application.router.add_route("*", "/{rest:.*}", answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=certificate).start()
        yield runner.addresses[0][1], asked
    finally:
        await runner.cleanup()


@pytest.fixture
def resolves(monkeypatch):
    """Have names lead where a test says, one answer after another; return what was asked."""
    answers, asked, really = {}, [], socket.getaddrinfo

    def getaddrinfo(host, port, *rest, **more):
        if host not in answers:
            return really(host, port, *rest, **more)
        asked.append(host)
        told = answers[host].pop(0) if len(answers[host]) > 1 else answers[host][0]
        return [entry for address in told for entry in really(address, port, type=socket.SOCK_STREAM)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    # An address that counts as one of the internet, so that no test leaves this machine; nobody listens there.
    monkeypatch.setattr("adapters.reach.is_public", lambda address: address == "127.0.0.2" or is_public(address))
    return answers, asked


def qad(base_url, reach=PUBLIC):
    profile = Profile(
        base_url=base_url, workspace="D_E", entity="E", documents={}, browses={}, limits=CallLimits(timeout_s=3.0)
    )
    return QadClient(profile, QAD, reach)


def zuora(base_url, reach=PUBLIC):
    secret = Secret("zuora-word-of-the-client")
    return ZuoraClient(
        base_url,
        client_id=Secret("ml"),
        client_secret=secret,
        version="2025-08-12",
        commons=Commons(),
        budget=Budget(Allowance()),
        reach=reach,
    )


@pytest.mark.parametrize("client", [qad, zuora])
@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]"])
async def test_an_address_that_is_not_listed_is_refused_before_anything_is_asked(client, host):
    with pytest.raises(Misconfigured, match="private_hosts"):
        client(f"https://{host}/x")


@pytest.mark.parametrize("client", [qad, zuora])
@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["127.0.0.2", "127.0.0.1"], ["127.0.0.1", "127.0.0.2"]], ids=str)
async def test_a_name_that_leads_to_this_machine_is_refused(client, addresses, resolves):
    answers, asked = resolves
    answers["erp.example.com"] = [addresses]
    async with listening() as (port, came), client(f"http://erp.example.com:{port}") as speaker:
        with pytest.raises(Misconfigured, match=r"erp\.example\.com is at 127\.0\.0\.1"):
            await speaker.token.get()
        assert (came, asked[:1]) == ([], ["erp.example.com"])


@pytest.mark.parametrize("client", [qad, zuora])
async def test_a_name_that_is_listed_is_reached_wherever_it_leads(client, resolves):
    answers, asked = resolves
    answers["erp.example.com"] = [["127.0.0.1"]]
    listed = Reach(private_hosts=("ERP.example.com",))
    async with listening() as (port, came), client(f"http://erp.example.com:{port}", listed) as speaker:
        assert await speaker.token.get() == "t"
        assert (came[0], asked[0]) == ("/oauth/token", "erp.example.com")


async def test_a_list_counts_for_its_host_alone(resolves):
    answers, _ = resolves
    answers["other.example.com"] = [["127.0.0.1"]]
    async with listening() as (port, came):
        async with qad(f"http://other.example.com:{port}", Reach(private_hosts=("erp.example.com",))) as speaker:
            with pytest.raises(Misconfigured):
                await speaker.token.get()
        assert came == []


async def test_a_name_that_leads_elsewhere_each_time_is_never_followed_here(resolves):
    """A name that answers one thing to who looks and another to who connects: there is no second look."""
    answers, asked = resolves
    answers["erp.example.com"] = [["127.0.0.2"], ["127.0.0.1"], ["127.0.0.1"]]
    async with listening() as (port, came):
        guarded = connector(f"http://erp.example.com:{port}", PUBLIC, limit=1)
        timeout = aiohttp.ClientTimeout(total=0.3)
        async with aiohttp.ClientSession(connector=guarded, timeout=timeout) as session:
            for _ in range(3):
                guarded.clear_dns_cache()
                with pytest.raises((Misconfigured, TimeoutError, aiohttp.ClientError)):
                    await session.get(f"http://erp.example.com:{port}/")
    given(len(asked) == 3, "the name was asked for anew each time")
    assert came == []


# -- TLS -------------------------------------------------------------------------------------------------------------


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(subject, issuer, issuer_key, key, *, authority, days=1):
    now = dt.datetime.now(dt.UTC)
    usual = x509.KeyUsage(
        digital_signature=not authority, key_cert_sign=authority, crl_sign=authority, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=9))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(usual, critical=True)
    )
    if not authority:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(subject)]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


@pytest.fixture
def certified(tmp_path):
    """Return an authority's file, and a server's context for a name that it vouches for so many days more."""
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("Corp CA", "Corp CA", authority_key, authority_key, authority=True)
    ca_file = tmp_path / "corp-ca.pem"
    ca_file.write_bytes(authority.public_bytes(serialization.Encoding.PEM))

    def context(name="erp.example.com", *, days=1):
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(name, "Corp CA", authority_key, key, authority=False, days=days)
        held = tmp_path / f"{name}.pem"
        held.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        served.load_cert_chain(held)
        return served

    return ca_file, context


async def test_an_authority_that_the_site_names_is_believed(certified, resolves):
    ca_file, context = certified
    answers, _ = resolves
    answers["erp.example.com"] = [["127.0.0.1"]]
    reach = Reach(private_hosts=("erp.example.com",), ca_file=ca_file)
    async with listening(context()) as (port, came), qad(f"https://erp.example.com:{port}", reach) as speaker:
        assert await speaker.token.get() == "t"
        assert came[0] == "/oauth/token"


@pytest.mark.parametrize(
    ("name", "days", "known"),
    [("erp.example.com", 1, False), ("else.example.com", 1, True), ("erp.example.com", -1, True)],
)
async def test_a_certificate_that_nobody_vouches_for_gets_no_secret(certified, resolves, name, days, known):
    ca_file, context = certified
    answers, _ = resolves
    answers["erp.example.com"] = [["127.0.0.1"]]
    reach = Reach(private_hosts=("erp.example.com",), ca_file=ca_file if known else None)
    async with listening(context(name, days=days)) as (port, came):
        async with qad(f"https://erp.example.com:{port}", reach) as speaker:
            with pytest.raises(Transient, match="certificate is not believed"):
                await speaker.token.get()
        async with zuora(f"https://erp.example.com:{port}", Reach(private_hosts=("erp.example.com",))) as speaker:
            with pytest.raises(Transient, match="certificate is not believed"):
                await speaker.token.get()
        assert came == []
    await asyncio.sleep(0)


@pytest.mark.parametrize("held", [None, b"", b"no certificates"])
async def test_a_file_without_certificates_is_said(tmp_path, held):
    ca_file = tmp_path / "ca.pem"
    if held is not None:
        ca_file.write_bytes(held)
    with pytest.raises(Misconfigured, match="ca_file"):
        qad("https://erp.example.com", Reach(ca_file=ca_file))


# -- plain HTTP ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "listed", "fits"),
    [
        ("https://erp.example.com", (), True),
        ("http://127.0.0.1:8080/x", (), True),
        ("http://erp.example.com", (), False),
        ("http://erp.example.com", ("erp.example.com",), True),
        ("http://erp.example.com", ("example.com",), False),
        ("http://erp.example.com.evil.example", ("erp.example.com",), False),
        ("ftp://erp.example.com", ("erp.example.com",), False),
    ],
)
def test_without_tls_only_to_this_machine_or_a_host_that_is_listed(address, listed, fits):
    assert (address_problem(address, listed) == "") is fits
