#include "render/color.h"

#include <math.h>

static const double PI = 3.14159265358979323846;

static double linear_of_srgb(double value)
{
    return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4);
}

static double srgb_of_linear(double linear)
{
    return linear <= 0.0031308 ? linear * 12.92 : 1.055 * pow(linear, 1.0 / 2.4) - 0.055;
}

void pt_srgb_fill(pt_srgb *srgb)
{
    for (int i = 0; i < 256; i++) { srgb->linear[i] = (float)linear_of_srgb(i / 255.0); }
    for (int i = 0; i <= PT_SRGB_STEPS; i++) {
        srgb->encoded[i] = (uint8_t)(255.0 * srgb_of_linear((double)i / PT_SRGB_STEPS) + 0.5);
    }
}

void pt_color_linear(uint32_t rgb, double linear[3])
{
    for (int k = 0; k < 3; k++) { linear[k] = linear_of_srgb((double)(rgb >> (16 - 8 * k) & 0xFFu) / 255.0); }
}

void pt_color_lab(const double linear[3], double lab[3])
{
    static const double to_xyz[3][3] = {
        {0.4124564, 0.3575761, 0.1804375}, {0.2126729, 0.7151522, 0.0721750}, {0.0193339, 0.1191920, 0.9503041}};
    double f[3];
    for (int k = 0; k < 3; k++) {
        const double *row = to_xyz[k];
        /* the row's sum is the white point, so that white is exactly (100, 0, 0) */
        const double t = (row[0] * linear[0] + row[1] * linear[1] + row[2] * linear[2]) / (row[0] + row[1] + row[2]);
        f[k] = t > 216.0 / 24389.0 ? cbrt(t) : (24389.0 / 27.0 * t + 16.0) / 116.0;
    }
    lab[0] = 116.0 * f[1] - 16.0;
    lab[1] = 500.0 * (f[0] - f[1]);
    lab[2] = 200.0 * (f[1] - f[2]);
}

void pt_color_seen(const double linear[3], pt_vision vision, double seen[3])
{
    static const double matrices[PT_VISIONS][3][3] = {
        {{1.0, 0.0, 0.0}, {0.0, 1.0, 0.0}, {0.0, 0.0, 1.0}},
        {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}},
        {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}},
        {{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}},
    };
    for (int k = 0; k < 3; k++) {
        const double *row = matrices[vision][k];
        seen[k] = fmin(fmax(row[0] * linear[0] + row[1] * linear[1] + row[2] * linear[2], 0.0), 1.0);
    }
}

/* Hue angle of (a, b) in radians, 0 .. 2 pi, 0 for grey. */
static double hue_angle(double a, double b)
{
    if (a == 0.0 && b == 0.0) { return 0.0; }
    const double h = atan2(b, a);
    return h < 0.0 ? h + 2.0 * PI : h;
}

/* The rotation term R_T, for mean chroma c and mean hue h. */
static double rotation(double c, double h)
{
    const double off = (h * 180.0 / PI - 275.0) / 25.0;
    const double c7 = pow(c, 7.0);
    return -sin(2.0 * 30.0 * PI / 180.0 * exp(-off * off)) * 2.0 * sqrt(c7 / (c7 + pow(25.0, 7.0)));
}

/* Letters as in the paper: L', a', C', h' of both colours, their differences, their means. */
double pt_color_difference(const double lab_a[3], const double lab_b[3])
{
    const double c_mean = 0.5 * (hypot(lab_a[1], lab_a[2]) + hypot(lab_b[1], lab_b[2]));
    const double c_mean7 = pow(c_mean, 7.0);
    const double g = 0.5 * (1.0 - sqrt(c_mean7 / (c_mean7 + pow(25.0, 7.0))));
    const double a1 = (1.0 + g) * lab_a[1], a2 = (1.0 + g) * lab_b[1];
    const double c1 = hypot(a1, lab_a[2]), c2 = hypot(a2, lab_b[2]);
    const double h1 = hue_angle(a1, lab_a[2]), h2 = hue_angle(a2, lab_b[2]);

    double dh = 0.0, h = h1 + h2; /* of a grey, the other's hue */
    if (c1 * c2 != 0.0) {
        dh = h2 - h1;
        h = 0.5 * (h1 + h2);
        if (fabs(dh) > PI) {
            h += h1 + h2 < 2.0 * PI ? PI : -PI;
            dh += dh > 0.0 ? -2.0 * PI : 2.0 * PI;
        }
    }
    const double dl = lab_b[0] - lab_a[0], dc = c2 - c1, dbig = 2.0 * sqrt(c1 * c2) * sin(0.5 * dh);
    const double l = 0.5 * (lab_a[0] + lab_b[0]), c = 0.5 * (c1 + c2);
    const double t = 1.0 - 0.17 * cos(h - PI / 6.0) + 0.24 * cos(2.0 * h) + 0.32 * cos(3.0 * h + PI / 30.0) -
                     0.20 * cos(4.0 * h - 63.0 * PI / 180.0);
    const double l50 = (l - 50.0) * (l - 50.0);
    const double vl = dl / (1.0 + 0.015 * l50 / sqrt(20.0 + l50));
    const double vc = dc / (1.0 + 0.045 * c);
    const double vh = dbig / (1.0 + 0.015 * c * t);
    return sqrt(vl * vl + vc * vc + vh * vh + rotation(c, h) * vc * vh);
}

double pt_color_distance(uint32_t rgb_a, uint32_t rgb_b)
{
    double a[3], b[3], smallest = HUGE_VAL;
    pt_color_linear(rgb_a, a);
    pt_color_linear(rgb_b, b);
    for (int vision = 0; vision < PT_VISIONS; vision++) {
        double seen[3], lab_a[3], lab_b[3];
        pt_color_seen(a, (pt_vision)vision, seen);
        pt_color_lab(seen, lab_a);
        pt_color_seen(b, (pt_vision)vision, seen);
        pt_color_lab(seen, lab_b);
        smallest = fmin(smallest, pt_color_difference(lab_a, lab_b));
    }
    return smallest;
}
