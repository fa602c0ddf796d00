"""The title cards: a drawing a film, a family of type and colour a group, and a slow push-in on the drawing.

A painter fills a canvas of twice the video's size; type is set on top, so it stays sharp and still while the drawing
moves. Everything is drawn here: gradients and glows with numpy, shapes with Pillow.
"""
import math
import random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

W, H = 640, 360
S = 2                      # canvas scale
CW, CH = W * S, H * S
FONTS = "/usr/share/fonts/"
JURA = FONTS + "opentype/jura/Jura-Medium.otf"
JURA_LIGHT = FONTS + "opentype/jura/Jura-Regular.otf"
DIDOT = FONTS + "opentype/didot/GFSDidot.otf"
STANDARD = FONTS + "truetype/fonts-oldstandard/OldStandard-Regular.ttf"
PROCIONO = FONTS + "opentype/fonts-prociono/Prociono.otf"
GARAMOND = FONTS + "opentype/ebgaramond/EBGaramond12-Regular.otf"
GARAMOND_IT = FONTS + "opentype/ebgaramond/EBGaramond12-Italic.otf"
SPARTAN = FONTS + "opentype/league-spartan/LeagueSpartan-ExtraBold.otf"
SPARTAN_MED = FONTS + "opentype/league-spartan/LeagueSpartan-Medium.otf"
BEBAS = FONTS + "opentype/bebas-neue/BebasNeue-Bold.otf"
LATO = FONTS + "truetype/lato/Lato-Medium.ttf"


def rgb(code):
    return tuple(int(code[i:i + 2], 16) for i in (1, 3, 5))


def gradient(stops, angle=90.0):
    """Linear, through (position 0..1, '#rrggbb') stops; 90 degrees runs downwards."""
    y, x = np.mgrid[0:CH, 0:CW].astype(np.float32)
    a = math.radians(angle)
    t = (x / CW - 0.5) * math.cos(a) + (y / CH - 0.5) * math.sin(a) + 0.5
    t = np.clip(t, 0, 1)
    out = np.empty((CH, CW, 3), np.float32)
    for c in range(3):
        out[..., c] = np.interp(t, [p for p, _ in stops], [rgb(h)[c] for _, h in stops])
    return out


def glow(canvas, cx, cy, radius, color, gain=1.0, power=2.0):
    """Adds light that falls off from (cx, cy), in canvas fractions of the height."""
    y, x = np.mgrid[0:CH, 0:CW].astype(np.float32)
    d = np.hypot(x - cx * CW, y - cy * CH) / (radius * CH)
    light = np.exp(-d ** power)[..., None] * np.array(rgb(color), np.float32) * gain
    canvas += light
    return canvas


def vignette(canvas, strength=0.5):
    y, x = np.mgrid[0:CH, 0:CW].astype(np.float32)
    d = np.hypot((x / CW - 0.5) * 1.5, (y / CH - 0.5) * 1.6)
    canvas *= (1 - strength * np.clip(d, 0, 1.2) ** 2.2)[..., None]
    return canvas


def image(canvas):
    return Image.fromarray(np.clip(canvas, 0, 255).astype(np.uint8), "RGB")


def layer():
    im = Image.new("RGBA", (CW, CH), (0, 0, 0, 0))
    return im, ImageDraw.Draw(im)


def lay(base, top, blur=0.0):
    if blur:
        top = top.filter(ImageFilter.GaussianBlur(blur))
    return Image.alpha_composite(base.convert("RGBA"), top).convert("RGB")


def circle(draw, cx, cy, r, **kw):
    draw.ellipse((cx - r, cy - r, cx + r, cy + r), **kw)


def stars(draw, count, seed, box=(0, 0, CW, CH)):
    rng = random.Random(seed)
    for _ in range(count):
        x, y = rng.uniform(box[0], box[2]), rng.uniform(box[1], box[3])
        r = rng.choice((1.2, 1.2, 1.6, 2.4))
        circle(draw, x, y, r, fill=(255, 255, 255, rng.randint(70, 220)))


def sphere(size, light, dark, lx=-0.5, ly=-0.5, glow_edge=None):
    """A lit ball as an RGBA tile."""
    y, x = np.mgrid[-1:1:size * 1j, -1:1:size * 1j]
    r2 = x * x + y * y
    z = np.sqrt(np.clip(1 - r2, 0, 1))
    n = math.sqrt(lx * lx + ly * ly + 0.5)
    lit = np.clip((x * lx + y * ly + z * math.sqrt(0.5)) / n, 0, 1) ** 1.1
    out = np.empty((size, size, 4))
    for c in range(3):
        out[..., c] = rgb(dark)[c] + (rgb(light)[c] - rgb(dark)[c]) * lit
    if glow_edge:
        rim = np.clip((np.sqrt(r2) - 0.86) / 0.14, 0, 1) ** 2 * np.clip(lit * 1.6 + 0.1, 0, 1)
        for c in range(3):
            out[..., c] += rgb(glow_edge)[c] * rim * 0.8
    out[..., 3] = 255 * np.clip((1 - np.sqrt(r2)) * size / 3, 0, 1)
    return Image.fromarray(np.clip(out, 0, 255).astype(np.uint8), "RGBA")


# -- space opera ------------------------------------------------------------------------------------------------------

def lantern_fleet():
    c = gradient([(0, "#070b24"), (0.55, "#14295c"), (1, "#3a4d8f")], 70)
    glow(c, 0.74, 0.36, 0.55, "#6a4a2a", 0.8, 1.4)
    im = image(vignette(c, 0.35))
    l, d = layer()
    stars(d, 260, 3)
    im = lay(im, l)
    ships = [(0, 0, 1.0)] + [(s * k * 78, 40 * k, 1 - 0.11 * k) for k in range(1, 6) for s in (-1, 1)]
    halo, hd = layer()
    body, bd = layer()
    for dx, dy, k in ships:
        x, y, r = 0.74 * CW + dx * 0.9, 0.19 * CH + dy * 1.15, 17 * k
        circle(hd, x, y, r * 2.6, fill=(255, 176, 84, 130))
        bd.polygon([(x, y - r * 1.7), (x + r * .8, y), (x, y + r * 1.1), (x - r * .8, y)], fill=(255, 226, 170, 255))
        bd.line([(x, y + r * 1.2), (x, y + r * 4.6)], fill=(255, 200, 130, 70), width=3)
    return lay(lay(im, halo, 16), body, 0.8)


def nine_suns():
    c = gradient([(0, "#2a1038"), (0.45, "#8c2f4e"), (0.72, "#e8793f"), (1, "#f6c065")], 90)
    im = image(c)
    l, d = layer()
    stars(d, 90, 8, (0, 0, CW, CH * 0.35))
    im = lay(im, l)
    halo, hd = layer()
    body, bd = layer()
    for i in range(9):
        a = math.pi * (0.08 + 0.84 * i / 8)
        x, y = CW / 2 - math.cos(a) * CW * 0.43, CH * 0.72 - math.sin(a) * CH * 0.55
        r = 15 + 15 * math.sin(a) ** 2
        circle(hd, x, y, r * 2, fill=(255, 190, 110, 110))
        circle(bd, x, y, r, fill=(255, 238, 196, 255))
    im = lay(lay(im, halo, 18), body, 0.7)
    for k, (base, color) in enumerate(((0.74, "#a8452f"), (0.82, "#7c2c2c"), (0.91, "#4a1a26"))):
        l, d = layer()
        pts = [(x, CH * (base + 0.045 * math.sin(x / CW * (4 + 2 * k) + k * 2.1) + 0.02 * math.sin(x / CW * 11 + k)))
               for x in range(0, CW + 8, 8)]
        d.polygon(pts + [(CW, CH), (0, CH)], fill=rgb(color) + (255,))
        im = lay(im, l, 0.8)
    return im


def far_orbit():
    c = gradient([(0, "#04141c"), (0.6, "#0b3a44"), (1, "#12565c")], 120)
    glow(c, 0.3, 0.45, 0.5, "#17616a", 0.7, 1.5)
    im = image(vignette(c, 0.4))
    l, d = layer()
    stars(d, 230, 21)
    im = lay(im, l)
    back, bd = layer()
    front, fd = layer()
    px, py = CW * 0.30, CH * 0.36
    for w, a in ((270, 150), (296, 230), (316, 120), (640, 70)):
        box = (px - w, py - w * 0.24, px + w, py + w * 0.24)
        bd.arc(box, 180, 360, fill=(255, 214, 160, a), width=5 if w < 400 else 2)
        fd.arc(box, 0, 180, fill=(255, 214, 160, a), width=5 if w < 400 else 2)
    tilt = dict(resample=Image.BICUBIC, center=(px, py))
    im = lay(im, back.rotate(14, **tilt))
    ball, _ = layer()
    ball.paste(sphere(290, "#f0c58a", "#3b2b3a", -0.7, -0.35, "#ffdca8"), (int(px - 145), int(py - 145)))
    im = lay(im, ball)
    im = lay(im, front.rotate(14, **tilt))
    l, d = layer()
    circle(d, CW * 0.772, CH * 0.50, 30, fill=(255, 140, 50, 120))
    im = lay(im, l, 14)
    l, d = layer()
    circle(d, CW * 0.772, CH * 0.50, 12, fill=(255, 158, 64, 255))
    d.polygon([(CW * .772 + 2, CH * .50 - 11), (CW * .772 + 20, CH * .50 - 26), (CW * .772 + 17, CH * .50 - 8)], fill=(120, 190, 110, 255))
    return lay(im, l, 0.6)


# -- courtroom --------------------------------------------------------------------------------------------------------

def oath():
    c = gradient([(0, "#d9d4c7"), (1, "#a9a394")], 80)
    im = image(vignette(c, 0.45))
    l, d = layer()
    ink, x, y = (28, 27, 30, 255), CW * 0.735, CH * 0.20
    d.rectangle((x - 5, y, x + 5, CH * 0.80), fill=ink)
    d.polygon([(x - 90, CH * .83), (x + 90, CH * .83), (x + 36, CH * .79), (x - 36, CH * .79)], fill=ink)
    circle(d, x, y - 4, 15, fill=ink)
    dx, dy = 200, 58
    d.line([(x - dx, y + dy), (x + dx, y - dy + 24)], fill=ink, width=9)
    for sx, sy, col in ((x - dx, y + dy, (142, 28, 32, 255)), (x + dx, y - dy + 24, ink)):
        for k in (-78, 78):
            d.line([(sx, sy), (sx + k, sy + 190)], fill=ink, width=3)
        d.pieslice((sx - 92, sy + 140, sx + 92, sy + 240), 0, 180, fill=col)
    return lay(im, l, 0.7)


def case_forty():
    c = gradient([(0, "#1a2126"), (0.6, "#28323a"), (1, "#12171b")], 100)
    im = image(c)
    l, d = layer()
    d.polygon([(CW * .60, 0), (CW * .86, 0), (CW * .66, CH), (CW * .22, CH)], fill=(214, 206, 178, 120))
    im = lay(im, l, 26)
    l, d = layer()
    f = ImageFont.truetype(DIDOT, 560)
    d.text((CW * 0.70, CH * 0.45), "40", font=f, fill=(222, 214, 190, 70), anchor="mm")
    im = lay(im, l, 1)
    l, d = layer()
    for i in range(-1, 9):
        x = i * CW / 8 + 40
        d.rectangle((x, -10, x + 34, CH + 10), fill=(8, 10, 12, 225))
    im = lay(im, l, 2.2)
    return image(vignette(np.asarray(im, np.float32).copy(), 0.6))


# -- haunted house ----------------------------------------------------------------------------------------------------

def cellar():
    c = gradient([(0, "#07100d"), (0.7, "#0d1b17"), (1, "#050a08")], 90)
    im = image(c)
    cx, top = CW * 0.70, CH * 0.16
    light, d = layer()
    d.rectangle((cx - 62, top, cx + 62, top + 210), fill=(196, 214, 130, 255))
    im = lay(im, light, 46)
    l, d = layer()
    for i in range(9):
        w, y, h = 66 + i * 44, top + 210 + i * 34, 34
        v = int(120 * (1 - i / 9) ** 1.3)
        d.rectangle((cx - w, y, cx + w, y + h), fill=(v, int(v * 1.1), int(v * .62), 255))
        d.rectangle((cx - w, y, cx + w, y + 3), fill=(min(255, v * 2), min(255, int(v * 2.1)), v, 255))
    im = lay(im, l, 1.5)
    l, d = layer()
    d.rectangle((cx - 66, top - 6, cx + 66, top + 212), fill=(10, 14, 11, 255))
    d.polygon([(cx + 6, top), (cx + 56, top), (cx + 56, top + 212), (cx + 6, top + 212)], fill=(226, 236, 160, 255))
    # Somebody small stands in the light.
    circle(d, cx + 32, top + 118, 11, fill=(9, 12, 9, 255))
    d.polygon([(cx + 32, top + 122), (cx + 16, top + 212), (cx + 49, top + 212)], fill=(9, 12, 9, 255))
    im = lay(im, l, 1.2)
    return image(vignette(np.asarray(im, np.float32).copy(), 0.75))


def staircase():
    c = gradient([(0, "#1b0d12"), (1, "#0c0609")], 90)
    im = image(c)
    cx, cy = CW * 0.74, CH * 0.47
    l, d = layer()
    # A spiral stair from above: each step a wedge, lit less the deeper it lies.
    steps = 64
    for i in range(steps):
        k = i / steps
        r0 = CH * (0.74 * (1 - k) ** 1.35 + 0.05)
        r1 = r0 * 0.74
        a0, a1 = i * 17.0, i * 17.0 + 17.6
        v = (1 - k) ** 0.9 * (0.45 + 0.55 * (i % 2))
        col = (int(30 + 150 * v), int(16 + 66 * v), int(20 + 58 * v), 255)
        outer = [(cx + r0 * math.cos(math.radians(a)), cy + r0 * math.sin(math.radians(a))) for a in (a0, (a0 + a1) / 2, a1)]
        inner = [(cx + r1 * math.cos(math.radians(a)), cy + r1 * math.sin(math.radians(a))) for a in (a1, a0)]
        d.polygon(outer + inner, fill=col)
    circle(d, cx, cy, CH * 0.052, fill=(4, 2, 3, 255))
    im = lay(im, l, 1.4)
    l, d = layer()
    circle(d, cx, cy, 15, fill=(255, 208, 150, 220))
    im = lay(im, l, 9)
    return image(vignette(np.asarray(im, np.float32).copy(), 0.8))


# -- heist ------------------------------------------------------------------------------------------------------------

def velvet_vault():
    c = gradient([(0, "#a3122f"), (1, "#5d0a22")], 60)
    x = np.arange(CW)
    c *= (0.90 + 0.10 * np.sin(x / 31.0) * np.sin(x / 211.0 + 1))[None, :, None]
    im = image(vignette(c, 0.3))
    l, d = layer()
    cx, cy, gold, dark = CW * 0.73, CH * 0.46, (240, 190, 92, 255), (70, 8, 26, 255)
    circle(d, cx + 10, cy + 14, 250, fill=(40, 4, 16, 120))
    circle(d, cx, cy, 246, fill=gold)
    circle(d, cx, cy, 216, fill=dark)
    circle(d, cx, cy, 204, fill=gold)
    for i in range(12):
        a = math.radians(i * 30)
        circle(d, cx + 176 * math.cos(a), cy + 176 * math.sin(a), 11, fill=dark)
    circle(d, cx, cy, 142, fill=dark)
    for i in range(60):
        a = math.radians(i * 6)
        r0 = 116 if i % 5 else 104
        d.line([(cx + r0 * math.cos(a), cy + r0 * math.sin(a)), (cx + 130 * math.cos(a), cy + 130 * math.sin(a))], fill=gold, width=3)
    for i in range(3):
        a = math.radians(18 + i * 60)
        d.line([(cx - 86 * math.cos(a), cy - 86 * math.sin(a)), (cx + 86 * math.cos(a), cy + 86 * math.sin(a))], fill=gold, width=15)
        for s in (-1, 1):
            circle(d, cx + s * 86 * math.cos(a), cy + s * 86 * math.sin(a), 15, fill=gold)
    circle(d, cx, cy, 34, fill=gold)
    circle(d, cx, cy, 15, fill=dark)
    return lay(im, l, 0.7)


def clever_minutes():
    c = gradient([(0, "#0f6b6d"), (1, "#0a4c55")], 90)
    im = image(c)
    l, d = layer()
    cx, cy = CW * 0.73, CH * 0.40
    circle(d, cx, cy, 262, fill=(243, 226, 190, 255))
    d.pieslice((cx - 262, cy - 262, cx + 262, cy + 262), -90, -90 + 66, fill=(231, 92, 52, 255))
    for i in range(12):
        a = math.radians(i * 30)
        d.line([(cx + 228 * math.cos(a), cy + 228 * math.sin(a)), (cx + 250 * math.cos(a), cy + 250 * math.sin(a))], fill=(10, 60, 66, 255), width=8)
    # The pineapple that flies.
    px, py, rx, ry = cx - 30, cy + 20, 82, 106
    d.ellipse((px - rx, py - ry, px + rx, py + ry), fill=(240, 172, 44, 255))
    mask = Image.new("L", (CW, CH), 0)
    ImageDraw.Draw(mask).ellipse((px - rx, py - ry, px + rx, py + ry), fill=255)
    lines, ld = layer()
    for k in range(-12, 13):
        for s in (-1, 1):
            ld.line([(px + k * 30 - s * 130, py - 130), (px + k * 30 + s * 130, py + 130)], fill=(196, 118, 20, 255), width=4)
    l.paste(lines, (0, 0), Image.composite(lines.getchannel("A"), Image.new("L", (CW, CH), 0), mask))
    for a in (-64, -38, -13, 13, 38, 64):
        t = math.radians(a - 90)
        tip = (px + 92 * math.cos(t), py - ry + 12 + 92 * math.sin(t))
        n = (-math.sin(t) * 15, math.cos(t) * 15)
        d.polygon([(px + n[0], py - ry + 14 + n[1]), tip, (px - n[0], py - ry + 14 - n[1])], fill=(44, 128, 84, 255))
    for s in (-1, 1):
        d.line([(px + s * 44, py + 90), (px + s * 20, py + 156)], fill=(10, 60, 66, 255), width=4)
    d.rounded_rectangle((px - 28, py + 154, px + 28, py + 192), 7, fill=(120, 66, 36, 255))
    im = lay(im, l, 0.7)
    l, d = layer()
    rng, x = random.Random(5), -10
    while x < CW:
        w = rng.randint(60, 130)
        h = rng.randint(60, 150)
        d.rectangle((x, CH - h, x + w, CH), fill=(6, 44, 52, 255))
        if rng.random() < 0.5:
            d.polygon([(x, CH - h), (x + w / 2, CH - h - 44), (x + w, CH - h)], fill=(6, 44, 52, 255))
        x += w
    return lay(im, l, 0.6)


# -- romance ----------------------------------------------------------------------------------------------------------

def trumpet():
    c = gradient([(0, "#fbd9b5"), (0.6, "#f6a98a"), (1, "#e27d78")], 100)
    glow(c, 0.72, 0.45, 0.62, "#ffd27a", 0.35, 1.6)
    im = image(c)
    l, d = layer()
    rng = random.Random(4)
    spots = [(0.72, 0.42, 150), (0.905, 0.30, 84), (0.56, 0.20, 74), (0.88, 0.72, 100), (0.585, 0.70, 82), (0.975, 0.52, 58), (0.74, 0.90, 66)]
    for fx, fy, r in spots[::-1]:
        x, y, n, off = fx * CW, fy * CH, 18, rng.uniform(0, 20)
        d.line([(x, y), (x + 12, CH + 20)], fill=(92, 128, 84, 255), width=max(5, r // 12))
        for ring, col in ((1.0, (240, 160, 40, 255)), (0.86, (252, 196, 66, 255))):
            for i in range(n):
                a = math.radians(off + (i + (0.5 if ring < 1 else 0)) * 360 / n)
                tip = (x + r * ring * math.cos(a), y + r * ring * math.sin(a))
                for k in (1,):
                    w = r * 0.17
                    mid = (x + r * ring * .68 * math.cos(a), y + r * ring * .68 * math.sin(a))
                    nx, ny = -math.sin(a) * w, math.cos(a) * w
                    d.polygon([(x, y), (mid[0] + nx, mid[1] + ny), tip, (mid[0] - nx, mid[1] - ny)], fill=col)
        circle(d, x, y, r * 0.42, fill=(104, 58, 36, 255))
        circle(d, x, y, r * 0.30, fill=(132, 78, 44, 255))
    return lay(im, l, 0.8)


def letters():
    c = gradient([(0, "#cdd6ef"), (0.6, "#b7a9d6"), (1, "#8f7fb8")], 80)
    im = image(c)
    sh, sd = layer()
    l, d = layer()

    def envelope(dr, x, y, w, h, color, flap, shadow=False):
        if shadow:
            dr.rectangle((x + 10, y + 16, x + w + 10, y + h + 16), fill=(60, 40, 90, 110))
            return
        dr.rectangle((x, y, x + w, y + h), fill=color)
        edge, i = 14, 0
        for k in range(0, w, 28):
            col = ((200, 74, 84, 255), (74, 98, 168, 255))[i % 2]
            dr.polygon([(x + k, y + h), (x + k + 14, y + h), (x + k + 20, y + h - edge), (x + k + 6, y + h - edge)], fill=col)
            i += 1
        dr.polygon([(x, y), (x + w / 2, y + h * 0.56), (x + w, y)], fill=flap)
        dr.line([(x, y), (x + w / 2, y + h * 0.56), (x + w, y)], fill=(170, 150, 150, 255), width=3)
        hx, hy = x + w / 2, y + h * 0.55
        circle(dr, hx, hy, 32, fill=(190, 52, 70, 255))
        for s in (-1, 1):
            circle(dr, hx + s * 7.5, hy - 5, 9.5, fill=(245, 200, 200, 255))
        dr.polygon([(hx - 16, hy - 1), (hx + 16, hy - 1), (hx, hy + 18)], fill=(245, 200, 200, 255))

    a = (int(CW * .53), int(CH * .15), 470, 290, (244, 232, 216, 255), (236, 220, 200, 255))
    b = (int(CW * .60), int(CH * .42), 440, 270, (255, 247, 235, 255), (248, 236, 220, 255))
    for spec, turn in ((a, 7), (b, -6)):
        sh, sd = layer()
        envelope(sd, *spec, shadow=True)
        l, d = layer()
        envelope(d, *spec)
        centre = (spec[0] + spec[2] / 2, spec[1] + spec[3] / 2)
        im = lay(im, sh.rotate(turn, resample=Image.BICUBIC, center=centre), 14)
        im = lay(im, l.rotate(turn, resample=Image.BICUBIC, center=centre), 0.6)
    return im


# -- cocina -----------------------------------------------------------------------------------------------------------

def soup():
    c = gradient([(0, "#f7e7c9"), (1, "#eccf9f")], 90)
    im = image(c)
    l, d = layer()
    # A tiled wall, as in an old kitchen.
    for i in range(0, CW, 80):
        for j in range(0, int(CH * 0.80), 80):
            if (i // 80 + j // 80) % 2:
                d.polygon([(i + 40, j + 10), (i + 70, j + 40), (i + 40, j + 70), (i + 10, j + 40)], fill=(226, 176, 112, 70))
                circle(d, i + 40, j + 40, 9, fill=(198, 110, 64, 80))
    d.rectangle((0, CH * 0.80, CW, CH), fill=(168, 70, 44, 255))
    d.rectangle((0, CH * 0.80, CW, CH * 0.80 + 8), fill=(196, 96, 62, 255))
    im = lay(im, l, 0.6)
    # A clear layer of the steam's own colour: blurring against clear black would leave grey edges.
    l = Image.new("RGBA", (CW, CH), (255, 252, 240, 0))
    d = ImageDraw.Draw(l)
    for k, x in enumerate((0.66, 0.72, 0.78)):
        pts = [(x * CW + 22 * math.sin(t / 30 + k * 1.7), CH * 0.40 - t) for t in range(0, 190, 4)]
        d.line(pts, fill=(255, 252, 240, 235), width=17, joint="curve")
    im = lay(im, l, 9)
    l, d = layer()
    cx, cy = CW * 0.72, CH * 0.50
    d.ellipse((cx - 300, CH * .83, cx + 300, CH * .83 + 44), fill=(110, 38, 24, 120))
    d.pieslice((cx - 262, cy - 236, cx + 262, cy + 246), 0, 180, fill=(36, 92, 128, 255))
    d.rectangle((cx - 84, CH * .822, cx + 84, CH * .855), fill=(28, 74, 106, 255))
    for i in range(11):
        x = cx - 220 + i * 44
        d.polygon([(x, cy + 62), (x + 16, cy + 82), (x, cy + 102), (x - 16, cy + 82)], fill=(246, 230, 198, 255))
    d.ellipse((cx - 270, cy - 46, cx + 270, cy + 46), fill=(246, 236, 214, 255))
    d.ellipse((cx - 248, cy - 34, cx + 248, cy + 38), fill=(224, 122, 44, 255))
    for x, y, col in ((-120, 6, (250, 214, 120, 255)), (40, -8, (250, 214, 120, 255)), (128, 12, (96, 142, 60, 255)), (-30, 18, (96, 142, 60, 255)), (-180, -2, (96, 142, 60, 255))):
        d.ellipse((cx + x - 26, cy + y - 8, cx + x + 26, cy + y + 8), fill=col)
    return lay(im, l, 0.8)


def bread():
    c = gradient([(0, "#bfe0e4"), (0.62, "#f6e7c4"), (1, "#f2cf8e")], 90)
    im = image(c)
    l, d = layer()
    circle(d, CW * 0.73, CH * 0.50, 226, fill=(250, 190, 80, 255))
    im = lay(im, l, 1)
    l, d = layer()
    cx, cy = CW * 0.73, CH * 0.60
    d.ellipse((cx - 290, cy + 88, cx + 290, cy + 128), fill=(150, 96, 40, 110))
    d.rounded_rectangle((cx - 270, cy - 96, cx + 270, cy + 112), 96, fill=(176, 100, 44, 255))
    d.rounded_rectangle((cx - 262, cy - 96, cx + 262, cy + 84), 88, fill=(204, 128, 60, 255))
    for i in range(4):
        x = cx - 168 + i * 112
        d.polygon([(x - 36, cy + 42), (x - 8, cy + 48), (x + 46, cy - 66), (x + 16, cy - 72)], fill=(246, 212, 150, 255))
    for s, base in ((-1, cx - 200), (1, cx + 200)):
        for k in range(7):
            y, x = CH * 0.32 - k * 25, base + s * k * 6
            for side in (-1, 1):
                leaf, ld = layer()
                ld.ellipse((x + side * 15 - 9, y - 22, x + side * 15 + 9, y + 22), fill=(214, 146, 44, 255))
                leaf = leaf.rotate(-side * 24, center=(x + side * 15, y))
                l.alpha_composite(leaf)
        d.line([(base - s * 8, CH * 0.46), (base + s * 44, CH * 0.10)], fill=(176, 112, 32, 255), width=5)
    return lay(im, l, 0.8)


def market():
    c = gradient([(0, "#fdf3dc"), (1, "#f6dfb2")], 90)
    im = image(c)
    l, d = layer()
    n, w = 12, CW / 12
    for i in range(n):
        col = ((206, 62, 48, 255), (250, 240, 220, 255))[i % 2]
        d.rectangle((i * w, 0, (i + 1) * w, 74), fill=col)
        d.pieslice((i * w, 74 - w / 2, (i + 1) * w, 74 + w / 2), 0, 180, fill=col)
    im = lay(im, l, 0.8)
    l, d = layer()
    d.rectangle((0, CH * 0.86, CW, CH), fill=(92, 120, 70, 255))
    d.rectangle((0, CH * 0.86, CW, CH * 0.86 + 8), fill=(126, 152, 92, 255))
    im = lay(im, l, 0.6)
    rows = [(0.815, 62, [0.50, 0.585, 0.67, 0.755, 0.84, 0.925]), (0.69, 62, [0.545, 0.63, 0.715, 0.80, 0.885]), (0.565, 62, [0.59, 0.675, 0.76, 0.845]), (0.445, 58, [0.635, 0.72, 0.805])]
    kinds = [("#e8503a", "#8e1f1c"), ("#f2b134", "#b06a12"), ("#a5559c", "#56234f"), ("#7fae4b", "#3d6424")]
    for r, (fy, size, xs) in enumerate(rows):
        for i, fx in enumerate(xs):
            light, dark = kinds[(i + r * 2 + (r == 1)) % 4]
            tile, td = layer()
            ball = sphere(size * 2, light, dark, -0.45, -0.6)
            tile.paste(ball, (int(fx * CW - size), int(fy * CH - size)))
            x, y = fx * CW, fy * CH - size + 8
            td.polygon([(x - 22, y - 4), (x, y + 8), (x + 22, y - 4), (x + 5, y - 2), (x + 3, y - 16), (x - 3, y - 16), (x - 5, y - 2)], fill=(58, 98, 48, 255))
            im = lay(im, tile)
    return im


# -- casa encantada ---------------------------------------------------------------------------------------------------

def hill():
    c = gradient([(0, "#0a0f24"), (0.6, "#1c2548"), (1, "#39345c")], 90)
    glow(c, 0.72, 0.36, 0.50, "#5a628c", 0.7, 1.5)
    im = image(c)
    l, d = layer()
    cx, cy, r = CW * 0.72, CH * 0.36, 168
    circle(d, cx, cy, r, fill=(222, 220, 200, 255))
    for i in range(12):
        a = math.radians(i * 30)
        d.line([(cx + (r - 14) * math.cos(a), cy + (r - 14) * math.sin(a)), (cx + (r - (38 if i % 3 == 0 else 28)) * math.cos(a), cy + (r - (38 if i % 3 == 0 else 28)) * math.sin(a))], fill=(120, 116, 110, 255), width=6)
    for a, length, w in ((-94, 118, 6), (-118, 76, 9)):
        t = math.radians(a)
        d.line([(cx, cy), (cx + length * math.cos(t), cy + length * math.sin(t))], fill=(88, 84, 84, 255), width=w)
    circle(d, cx, cy, 9, fill=(88, 84, 84, 255))
    im = lay(im, l, 0.9)
    l, d = layer()
    ink = (6, 8, 18, 255)
    pts = [(x, CH * (0.94 - 0.30 * math.exp(-((x / CW - 0.72) / 0.20) ** 2) + 0.012 * math.sin(x / 37))) for x in range(0, CW + 8, 8)]
    d.polygon(pts + [(CW, CH), (0, CH)], fill=ink)
    hx, hy = cx, CH * 0.66
    d.rectangle((hx - 62, hy - 76, hx + 62, hy + 20), fill=ink)
    d.polygon([(hx - 76, hy - 74), (hx, hy - 134), (hx + 76, hy - 74)], fill=ink)
    d.rectangle((hx + 34, hy - 150, hx + 62, hy - 60), fill=ink)
    d.polygon([(hx + 28, hy - 148), (hx + 48, hy - 200), (hx + 68, hy - 148)], fill=ink)
    d.rectangle((hx - 48, hy - 128, hx - 36, hy - 80), fill=ink)
    d.rectangle((hx - 34, hy - 52, hx - 16, hy - 24), fill=(236, 178, 84, 255))
    for x0, s in ((0.53, 1), (0.93, -1)):
        bx, by = x0 * CW, CH * (0.90 if s > 0 else 0.86)
        d.line([(bx, by), (bx + s * 10, by - 120)], fill=ink, width=11)
        for k, (dx, dy) in enumerate(((46, -170), (-34, -180), (62, -120), (14, -206), (-50, -132))):
            d.line([(bx + s * 8, by - 70 - 10 * k), (bx + s * dx, by + dy)], fill=ink, width=5)
    return lay(im, l, 0.8)


def attic():
    c = gradient([(0, "#0d0b10"), (1, "#17121a")], 90)
    im = image(c)
    cx, base, top = CW * 0.71, CH * 0.74, CH * 0.13
    l, d = layer()
    d.polygon([(cx, top), (cx - 250, base), (cx + 250, base)], fill=(150, 168, 176, 200))
    im = lay(im, l, 42)
    l, d = layer()
    d.polygon([(cx, top), (cx - 236, base), (cx + 236, base)], fill=(186, 200, 202, 255))
    d.polygon([(cx, top + 60), (cx - 160, base), (cx + 160, base)], fill=(204, 216, 214, 255))
    ink = (12, 10, 15, 255)
    d.line([(cx, top - 10), (cx, base)], fill=ink, width=12)
    d.line([(cx - 150, CH * .51), (cx + 150, CH * .51)], fill=ink, width=11)
    d.line([(cx, top - 10), (cx - 246, base + 6), (cx + 246, base + 6), (cx, top - 10)], fill=ink, width=26, joint="curve")
    # A veil with no face.
    head, veil = (cx - 62, base - 150), []
    for t in range(0, 181, 6):
        a = math.radians(180 + t)
        veil.append((head[0] + 46 * math.cos(a), head[1] + 52 * math.sin(a)))
    d.polygon([(head[0] - 96, base)] + [(head[0] - 74, base - 70), (head[0] - 52, base - 104)] + veil +
              [(head[0] + 52, base - 104), (head[0] + 74, base - 70), (head[0] + 96, base)], fill=ink)
    d.ellipse((head[0] - 27, head[1] - 30, head[0] + 27, head[1] + 40), fill=(178, 190, 190, 255))
    for x, y, s in ((cx + 84, base - 8, -1.0),):
        d.polygon([(x + 26 * s, y - 62), (x + 6 * s, y - 58), (x - 34 * s, y - 18), (x - 62 * s, y + 6), (x - 20 * s, y - 4),
                   (x + 12 * s, y - 8), (x + 26 * s, y - 30)], fill=ink)
        circle(d, x + 20 * s, y - 60, 14, fill=ink)
        d.polygon([(x + 28 * s, y - 68), (x + 54 * s, y - 56), (x + 28 * s, y - 52)], fill=ink)
        for k in (-2, 8):
            d.line([(x + k * s, y - 8), (x + k * s, y + 4)], fill=ink, width=4)
    im = lay(im, l, 1)
    l, d = layer()
    for x, y, k in ((0.56, 0.20, 1.0), (0.60, 0.11, 0.7), (0.88, 0.17, 0.9)):
        x, y = x * CW, y * CH
        d.line([(x - 34 * k, y - 12 * k), (x - 12 * k, y - 14 * k), (x, y), (x + 12 * k, y - 14 * k), (x + 34 * k, y - 10 * k)], fill=(70, 68, 78, 255), width=int(7 * k), joint="curve")
    im = lay(im, l, 1)
    return image(vignette(np.asarray(im, np.float32).copy(), 0.7))


# -- type -------------------------------------------------------------------------------------------------------------

# title: (lines, font, size in px of the video, colour, tracking, drawing, vertical centre, capitals)
CARDS = {
    "The Lantern Fleet": (["The", "Lantern", "Fleet"], JURA, 46, "#fff1d8", 7, lantern_fleet, 0.46, True),
    "Nine Suns Over Meridian": (["Nine Suns", "Over Meridian"], JURA, 43, "#fff3dc", 8, nine_suns, 0.50, True),
    "Children of the Far Orbit": (["Children of", "the Far Orbit"], JURA, 42, "#fdebd0", 5, far_orbit, 0.75, True),
    "The Weight of the Oath": (["The Weight", "of the", "Oath"], DIDOT, 54, "#1c1b1e", 0, oath, 0.44, False),
    "Case Number Forty": (["Case", "Number", "Forty"], DIDOT, 54, "#ece5cf", 1, case_forty, 0.46, False),
    "What the Cellar Keeps": (["What", "the Cellar", "Keeps"], PROCIONO, 50, "#dfe6b4", 1, cellar, 0.46, False),
    "The Hollow Staircase": (["The", "Hollow", "Staircase"], PROCIONO, 47, "#f0d9cf", 1, staircase, 0.48, False),
    "The Velvet Vault": (["The", "Velvet", "Vault"], SPARTAN, 58, "#ffe3a6", -1, velvet_vault, 0.46, False),
    "Eleven Clever Minutes": (["Eleven", "Clever", "Minutes"], SPARTAN, 56, "#fbeccb", -1, clever_minutes, 0.42, False),
    "Room for One Trumpet": (["Room for", "One Trumpet"], GARAMOND_IT, 54, "#7c2f36", 0, trumpet, 0.44, False),
    "Letters for September": (["Letters for", "September"], GARAMOND_IT, 56, "#2f2358", 0, letters, 0.44, False),
    "Sopa para cien": (["Sopa", "para cien"], GARAMOND, 66, "#7d2d1c", 0, soup, 0.40, False),
    "Pan de domingo": (["Pan de", "domingo"], GARAMOND, 66, "#6d3a12", 0, bread, 0.46, False),
    "El mercado de los sabores": (["El mercado", "de los", "sabores"], GARAMOND, 54, "#8f2a20", 0, market, 0.50, False),
    "La colina de las horas muertas": (["La colina", "de las horas", "muertas"], PROCIONO, 44, "#dcdccb", 1, hill, 0.44, False),
    "El desván de los que lloran": (["El desván", "de los que", "lloran"], PROCIONO, 46, "#d3dcda", 1, attic, 0.46, False),
}
LEFT = 44


def _tracked(draw, xy, text, font, fill, tracking):
    x, y = xy
    for ch in text:
        draw.text((x, y), ch, font=font, fill=fill, anchor="ls")
        x += font.getlength(ch) + tracking
    return x - xy[0] - tracking


def _width(text, font, tracking):
    return sum(font.getlength(ch) + tracking for ch in text) - tracking


def lettering(film):
    """The words, at four times the video's size, scaled down once."""
    lines, face, size, color, tracking, _, centre, capitals = CARDS[film["title"]]
    k = 4
    im = Image.new("RGBA", (W * k, H * k), (0, 0, 0, 0))
    d = ImageDraw.Draw(im)
    font = ImageFont.truetype(face, size * k)
    middle = film["title"] in ("Nine Suns Over Meridian",)
    if capitals:
        lines = [line.upper() for line in lines]
    lead = size * (1.12 if capitals else 1.0) * k
    y = centre * H * k - lead * (len(lines) - 1) / 2 + size * 0.34 * k
    fill = rgb(color) + (255,)
    for line in lines:
        x = (W * k - _width(line, font, tracking * k)) / 2 if middle else LEFT * k
        if tracking:
            _tracked(d, (x, y), line, font, fill, tracking * k)
        else:
            d.text((x, y), line, font=font, fill=fill, anchor="ls")
        y += lead
    small = ImageFont.truetype(LATO, 9.5 * k)
    note = "AN INVENTED TRAILER" if film["language"] == "en" else "UN TRÁILER INVENTADO"
    x = (W * k - _width(note, small, 3 * k)) / 2 if middle else (LEFT + 2) * k
    _tracked(d, (x, y - lead + 34 * k if not middle else y - lead + 30 * k), note, small, fill[:3] + (215,), 3 * k)
    return im.resize((W, H), Image.LANCZOS)


def frames(film, count):
    """Raw RGB frames. The drawing grows by 4 % over the film; the last second and a half dims, never to black."""
    art = CARDS[film["title"]][5]()
    text = lettering(film)
    for i in range(count):
        yield frame(art, text, i / max(1, count - 1), min(1.0, 0.35 + 0.65 * (count - 1 - i) / 15)).tobytes()


def frame(art, text, at, light=1.0):
    zoom = 1.0 + 0.04 * at
    w, h = CW / zoom, CH / zoom
    # Towards the drawing's centre of interest, right of the middle.
    x, y = (CW - w) * 0.62, (CH - h) * 0.45
    im = art.resize((W, H), Image.LANCZOS, box=(x, y, x + w, y + h))
    im.paste(text, (0, 0), text)
    if light < 1:
        im = Image.fromarray((np.asarray(im, np.float32) * light).astype(np.uint8))
    return im


if __name__ == "__main__":
    # A contact sheet, to look at.
    import sys
    from films import FILMS
    sheet = Image.new("RGB", (W * 4, H * 4))
    for n, film in enumerate(FILMS):
        sheet.paste(frame(CARDS[film["title"]][5](), lettering(film), 0.3), ((n % 4) * W, (n // 4) * H))
    sheet.save(sys.argv[1] if len(sys.argv) > 1 else "cards.png")
