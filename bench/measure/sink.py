"""Load generator for blobs, the same for every server: receives bodies and drops them.

Reads one JSON object from its arguments and prints one. The time runs from the moment when all callers may connect until
the last caller has received everything. Plain HTTP: the received bytes must be as many as Content-Length says. TLS: only
the head of the answer is decrypted, and the bytes after it are counted as they arrive, because decrypting costs a caller
as much as encrypting costs the server, and on two cores the caller would limit the measurement.

With "drop" the kernel drops the bytes (MSG_TRUNC) instead of copying them to this process.
"""

import json
import socket
import ssl
import sys
import threading
import time
from urllib.parse import urlsplit

BUFFER_BYTES = 1 << 20
HEAD_LIMIT = 1 << 16
SILENCE_SECONDS = 60


def main():
    job = json.loads(sys.argv[1])
    url = urlsplit(job["url"])
    gate = threading.Barrier(job["callers"] + 1)
    results = [None] * job["callers"]

    def call(index):
        buffer = bytearray(BUFFER_BYTES)
        gate.wait()
        try:
            results[index] = sum(get(url, buffer, job["drop"]) for _ in range(job["gets"]))
        except Exception as error:
            results[index] = error

    threads = [threading.Thread(target=call, args=(index,)) for index in range(job["callers"])]
    for thread in threads:
        thread.start()
    gate.wait()
    begin = time.perf_counter()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - begin
    failures = [repr(result) for result in results if isinstance(result, Exception)]
    if failures:
        sys.exit(f"{len(failures)} of {len(results)} callers failed: {failures[0]}")
    print(json.dumps({"seconds": seconds, "bytes": sum(results)}))


def get(url, buffer, drop):
    """Sends one GET on a new connection. Returns the size of the body."""
    target = f"{url.path}?{url.query}" if url.query else url.path
    request = f"GET {target} HTTP/1.1\r\nHost: {url.netloc}\r\nConnection: close\r\n\r\n".encode()
    with socket.create_connection((url.hostname, url.port), SILENCE_SECONDS) as connection:
        if url.scheme == "https":
            head, expected = read_head(tls_reader(connection, url.hostname, request))
            missing = expected - len(head)
            # Encrypted bytes are at least as many as the plain bytes in them.
            if missing > 0 and drain(connection, buffer, drop) < missing:
                raise ValueError("the body ended early")
            return expected
        connection.sendall(request)
        head, expected = read_head(lambda: connection.recv(BUFFER_BYTES))
        size = len(head) + drain(connection, buffer, drop)
    if size != expected:
        raise ValueError(f"expected {expected} bytes, received {size}")
    return size


def drain(connection, buffer, drop):
    flags = socket.MSG_TRUNC if drop else 0
    size = 0
    while received := connection.recv_into(buffer, BUFFER_BYTES, flags):
        size += received
    return size


def read_head(read):
    """Reads the head. Returns the bytes of the body that arrived with it, and the length of the body."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        piece = read()
        if not piece or len(answer) > HEAD_LIMIT:
            raise ValueError("expected an HTTP answer")
        answer += piece
    head, body = answer.split(b"\r\n\r\n", 1)
    status, *lines = head.split(b"\r\n")
    headers = {name.lower(): value.strip() for name, value in (line.split(b":", 1) for line in lines)}
    if b" 200 " not in status + b" ":
        raise ValueError(f"answered with {status.decode()}")
    return body, int(headers[b"content-length"])


def tls_reader(connection, hostname, request):
    """Sends the request over TLS 1.3. Returns a function that reads the next plain bytes of the answer."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    # The case has checked the server's certificate before.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(incoming, outgoing, server_hostname=hostname)

    def until_done(step):
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                connection.sendall(outgoing.read())
                received = connection.recv(HEAD_LIMIT)
                if not received:
                    raise ValueError("the connection was closed") from None
                incoming.write(received)

    until_done(session.do_handshake)
    session.write(request)
    connection.sendall(outgoing.read())
    return lambda: until_done(lambda: session.read(HEAD_LIMIT))


main()
