"""Pixels of tdnn_image_decode against cv2.imread, bit for bit, on files of all kinds.

PNG files are put together here (every colour type, depth, transparency, interlace), since encoders
write only a few of them; JPEG files come from OpenCV and, where installed, Pillow.
"""
import io
import os
import struct
import tempfile
import zlib

import tdnn
from tdnn import cv2, np

try:
    from PIL import Image as Pillow
except ImportError:
    Pillow = None

PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
          (0, 1, 1, 2)]


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def pack_rows(samples, depth):
    """Samples [h, w, c] to filtered scan lines (filter types 0 to 2 in turn)."""
    out, before = b"", None
    for y, row in enumerate(samples):
        row = row.reshape(-1)
        if depth == 16:
            line = row.astype(">u2").tobytes()
        elif depth == 8:
            line = row.astype(np.uint8).tobytes()
        else:
            bits = ((row[:, None] >> np.arange(depth - 1, -1, -1)) & 1).astype(np.uint8)
            line = np.packbits(bits.reshape(-1)).tobytes()
        line = np.frombuffer(line, np.uint8)
        pixel = max(1, samples.shape[2] * depth // 8)
        kind = y % 3
        left = np.concatenate([np.zeros(pixel, np.uint8), line])[:len(line)]
        above = before if before is not None else np.zeros(len(line), np.uint8)
        filtered = line - (left if kind == 1 else above if kind == 2 else 0)
        out += bytes([kind]) + filtered.astype(np.uint8).tobytes()
        before = line
    return out


def make_png(rng, color, depth, interlaced, transparent, extra=b""):
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color]
    h, w = int(rng.integers(1, 40)), int(rng.integers(1, 40))
    colors = 1 << depth
    if color == 3:
        colors = int(rng.integers(1, colors + 1))
    samples = rng.integers(0, colors, (h, w, channels)).astype(np.int64)
    data = b""
    if interlaced:
        for x0, y0, dx, dy in PASSES:
            part = samples[y0::dy, x0::dx]
            if part.size:
                data += pack_rows(part, depth)
    else:
        data = pack_rows(samples, depth)
    png = b"\x89PNG\r\n\x1a\n"
    png += chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, color, 0, 0, int(interlaced)))
    png += extra
    if color == 3:
        png += chunk(b"PLTE", rng.integers(0, 256, colors * 3, np.uint8).tobytes())
    if transparent:
        if color == 3:
            png += chunk(b"tRNS", rng.integers(0, 256, max(1, colors // 2), np.uint8).tobytes())
        else:
            png += chunk(b"tRNS", b"".join(struct.pack(">H", int(v)) for v in samples[0, 0]))
    return png + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def exif(orientation, big=True):
    e = ">" if big else "<"
    head = (b"MM" if big else b"II") + struct.pack(e + "HI", 42, 8)
    other = struct.pack(e + "HHIHH", 0x0100, 3, 1, 7, 0)
    entry = struct.pack(e + "HHIHH", 0x0112, 3, 1, orientation, 0)
    return head + struct.pack(e + "H", 2) + other + entry + struct.pack(e + "I", 0)


def all_pngs(rng):
    depths = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
    for color in depths:
        for depth in depths[color]:
            for interlaced in (False, True):
                for transparent in (False, True) if color in (0, 2, 3) else (False,):
                    for gamma in (b"", chunk(b"gAMA", struct.pack(">I", 45455)),
                                  chunk(b"sRGB", b"\0"), chunk(b"gAMA", struct.pack(">I", 100000))):
                        name = "png color %d depth %d interlaced %d tRNS %d %r" % (
                            color, depth, interlaced, transparent, gamma[4:8])
                        yield name, make_png(rng, color, depth, interlaced, transparent, gamma)
    for orientation in range(0, 10):
        yield "png eXIf %d" % orientation, make_png(rng, 2, 8, False, False,
                                                    chunk(b"eXIf", exif(orientation)))


def picture(rng, channels=3):
    h, w = int(rng.integers(1, 90)), int(rng.integers(1, 90))
    base = rng.integers(0, 256, (1 + h // 9, 1 + w // 9, channels), np.uint8)
    big = cv2.resize(base, (w, h), interpolation=cv2.INTER_CUBIC).reshape(h, w, channels)
    noise = rng.integers(-12, 12, big.shape)
    return np.clip(big.astype(int) + noise, 0, 255).astype(np.uint8)


def all_jpegs(rng):
    for i in range(40):
        flags = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(5, 101)),
                 cv2.IMWRITE_JPEG_PROGRESSIVE, i & 1, cv2.IMWRITE_JPEG_OPTIMIZE, i >> 1 & 1,
                 cv2.IMWRITE_JPEG_RST_INTERVAL, int(rng.integers(0, 4))]
        yield "jpeg %d" % i, cv2.imencode(".jpg", picture(rng), flags)[1].tobytes()
        yield "jpeg grey %d" % i, cv2.imencode(".jpg", picture(rng, 1), flags)[1].tobytes()
    for orientation in range(0, 10):
        for big in (True, False):
            data = cv2.imencode(".jpg", picture(rng))[1].tobytes()
            block = b"Exif\0\0" + exif(orientation, big)
            app1 = b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block
            yield "jpeg exif %d" % orientation, data[:2] + app1 + data[2:]
    if Pillow is None:
        print("(Pillow is not installed: no CMYK, no other subsamplings)")
        return
    for i in range(12):
        out = io.BytesIO()
        Pillow.fromarray(picture(rng)).save(out, "JPEG", subsampling=i % 3, quality=80,
                                            progressive=bool(i & 1))
        yield "jpeg subsampling %d" % (i % 3), out.getvalue()
        out = io.BytesIO()
        Pillow.fromarray(picture(rng, 4), "CMYK").save(out, "JPEG", quality=90)
        data = out.getvalue()
        yield "jpeg CMYK", data
        at = data.find(b"Adobe")
        if at > 0:  # the same data, taken as YCCK
            yield "jpeg YCCK", data[:at + 11] + b"\x02" + data[at + 12:]


def compare(score, name, data, path):
    with open(path, "wb") as f:
        f.write(data)
    for pixels, flag in ((tdnn.BGR8, cv2.IMREAD_COLOR), (tdnn.GRAY8, cv2.IMREAD_GRAYSCALE)):
        theirs = cv2.imread(path, flag)
        try:
            ours = tdnn.decode(data, pixels)
        except tdnn.Failure as failure:
            score.add(False, (name, flag, str(failure)))
            continue
        score.add(theirs is not None and np.array_equal(ours, theirs), (name, flag))
        if pixels == tdnn.BGR8:
            score.add(np.array_equal(tdnn.decode(data, tdnn.RGB8), ours[:, :, ::-1]), (name, "RGB8"))
            bgra, rgba = tdnn.decode(data, tdnn.BGRA8), tdnn.decode(data, tdnn.RGBA8)
            score.add(np.array_equal(rgba[:, :, [2, 1, 0, 3]], bgra), (name, "RGBA8"))
            whole = cv2.imread(path, cv2.IMREAD_UNCHANGED)
            if whole.ndim == 3 and whole.shape[2] == 4 and "eXIf" not in name:
                if whole.dtype == np.uint16:
                    whole = (whole >> 8).astype(np.uint8)
                score.add(np.array_equal(bgra, whole), (name, "BGRA8"))
            elif "tRNS 1" not in name:
                score.add(np.array_equal(bgra[:, :, :3], ours) and (bgra[:, :, 3] == 255).all(),
                          (name, "BGRA8 without alpha"))


def main():
    rng = np.random.default_rng(1)
    score = tdnn.Score("imread")
    with tempfile.TemporaryDirectory() as folder:
        for name, data in all_pngs(rng):
            compare(score, name, data, os.path.join(folder, "a.png"))
        for name, data in all_jpegs(rng):
            compare(score, name, data, os.path.join(folder, "a.jpg"))
    score.finish()


main()
