#!/usr/bin/env python3
"""Computes the known answers of the cryptographic workloads with nothing but Python's own library.

Not part of the build: the files it writes are committed. `python3 answers.py` in this folder renews them.

    blake2b-abc.bin, blake2b-chain.bin, keccak-empty.bin, sha3-chain.bin    digests
    ed25519.bin     records: public key 32, signature 64, message length u16 LE, message
    ecrecover.bin   records: message hash 32, v 1 (27 or 28), r 32, s 32, address 20
"""
import hashlib
import hmac

PATTERN = bytes(i & 0xFF for i in range(4096))


def chain(new, size, rounds):
    digest = bytes(size)
    for _ in range(rounds):
        digest = new(PATTERN + digest).digest()
    return digest


# --- Keccak with the padding Ethereum uses ---------------------------------------------------------------------------

def keccak_f(lanes):
    mask = (1 << 64) - 1
    rol = lambda word, n: (word << n % 64 | word >> (64 - n % 64)) & mask
    lfsr = 1
    for _ in range(24):
        c = [lanes[x][0] ^ lanes[x][1] ^ lanes[x][2] ^ lanes[x][3] ^ lanes[x][4] for x in range(5)]
        d = [c[(x + 4) % 5] ^ rol(c[(x + 1) % 5], 1) for x in range(5)]
        lanes = [[lanes[x][y] ^ d[x] for y in range(5)] for x in range(5)]
        x, y, current = 1, 0, lanes[1][0]
        for t in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            current, lanes[x][y] = lanes[x][y], rol(current, (t + 1) * (t + 2) // 2)
        for y in range(5):
            row = [lanes[x][y] for x in range(5)]
            for x in range(5):
                lanes[x][y] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5])
        for j in range(7):
            lfsr = (lfsr << 1 ^ (lfsr >> 7) * 0x71) % 256
            if lfsr & 2:
                lanes[0][0] ^= 1 << ((1 << j) - 1)
    return lanes


def keccak256(data, suffix=0x01):
    rate = 136
    padded = bytearray(data) + bytes(rate - len(data) % rate)
    padded[len(data)] ^= suffix
    padded[-1] ^= 0x80
    lanes = [[0] * 5 for _ in range(5)]
    for block in range(0, len(padded), rate):
        for i in range(rate // 8):
            lanes[i % 5][i // 5] ^= int.from_bytes(padded[block + 8 * i:block + 8 * i + 8], "little")
        lanes = keccak_f(lanes)
    return b"".join(lanes[i % 5][i // 5].to_bytes(8, "little") for i in range(4))


assert keccak256(b"abc", 0x06) == hashlib.sha3_256(b"abc").digest()

# --- Ed25519, as RFC 8032 describes it -------------------------------------------------------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def ed_add(p, q):
    (x1, y1), (x2, y2) = p, q
    k = D * x1 * x2 * y1 * y2
    return (x1 * y2 + x2 * y1) * pow(1 + k, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - k, -1, P) % P


def ed_mul(p, n):
    result = (0, 1)
    while n:
        if n & 1:
            result = ed_add(result, p)
        p, n = ed_add(p, p), n >> 1
    return result


def ed_base():
    y = 4 * pow(5, -1, P) % P
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    return (P - x if x & 1 else x), y


B = ed_base()
pack = lambda point: (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")
sha512 = lambda data: int.from_bytes(hashlib.sha512(data).digest(), "little")


def ed_sign(secret, message):
    digest = hashlib.sha512(secret).digest()
    scalar = int.from_bytes(digest[:32], "little") & (1 << 254) - 8 | 1 << 254
    public = pack(ed_mul(B, scalar))
    nonce = sha512(digest[32:] + message) % L
    r = pack(ed_mul(B, nonce))
    s = (nonce + sha512(r + public + message) * scalar) % L
    return public, r + s.to_bytes(32, "little")


def ed25519():
    messages = [
        # RFC 8032, section 7.1, tests 1 to 3.
        ("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", b""),
        ("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", b"\x72"),
        ("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", b"\xaf\x82"),
        ("00" * 31 + "01", PATTERN[:1023]),
        ("7f" * 32, b"PVM" * 100),
    ]
    records = b""
    for secret, message in messages:
        public, signature = ed_sign(bytes.fromhex(secret), message)
        records += public + signature + len(message).to_bytes(2, "little") + message
    assert records[:96].hex() == (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b")
    return records


# --- secp256k1 -------------------------------------------------------------------------------------------------------

FIELD = 2**256 - 2**32 - 977
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
     0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8)


def k1_add(p, q):
    if p is None or q is None:
        return p or q
    if p[0] == q[0] and (p[1] + q[1]) % FIELD == 0:
        return None
    slope = 3 * p[0] * p[0] * pow(2 * p[1], -1, FIELD) if p == q else (q[1] - p[1]) * pow(q[0] - p[0], -1, FIELD)
    x = (slope * slope - p[0] - q[0]) % FIELD
    return x, (slope * (p[0] - x) - p[1]) % FIELD


def k1_mul(p, n):
    result = None
    while n:
        if n & 1:
            result = k1_add(result, p)
        p, n = k1_add(p, p), n >> 1
    return result


word = lambda number: number.to_bytes(32, "big")


def ecrecover():
    # The precompile's vector from the tests of Ethereum clients; its s is in the upper half.
    records = bytes.fromhex(
        "18c547e4f7b0f325ad1e56f57e26c745b09a3e503d86e00e5255ff7f715d3d1c" "1c"
        "73b1693892219d736caba55bdb67216e485557ea6b6af75f37096c9aa6a5a75f"
        "eeb940b1d03b21e36b0e47e79769f095fe2ab855bd91e3a38756b7d75a9c4549"
        "a94f5374fce5edbc8e2a8697c15331677e6ebf0b")
    for index in range(3):
        secret = int.from_bytes(hashlib.sha256(b"key %d" % index).digest(), "big") % ORDER
        digest = keccak256(b"message %d" % index)
        nonce = int.from_bytes(hmac.digest(word(secret), digest, "sha256"), "big") % ORDER
        point = k1_mul(G, nonce)
        r = point[0] % ORDER
        s = pow(nonce, -1, ORDER) * (int.from_bytes(digest, "big") + r * secret) % ORDER
        parity = point[1] & 1
        if s > ORDER // 2:
            s, parity = ORDER - s, parity ^ 1
        public = k1_mul(G, secret)
        address = keccak256(word(public[0]) + word(public[1]))[12:]
        records += digest + bytes([27 + parity]) + word(r) + word(s) + address
    return records


for name, content in {
    "blake2b-abc.bin": hashlib.blake2b(b"abc").digest(),
    "blake2b-chain.bin": chain(hashlib.blake2b, 64, 256),
    "keccak-empty.bin": keccak256(b""),
    "sha3-chain.bin": chain(hashlib.sha3_256, 32, 96),
    "ed25519.bin": ed25519(),
    "ecrecover.bin": ecrecover(),
}.items():
    with open(name, "wb") as file:
        file.write(content)
