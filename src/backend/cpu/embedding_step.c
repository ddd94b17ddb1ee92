/* One step of the map's optimiser, momentum and gains (Jacobs 1988; van der Maaten and Hinton 2008):
 *   g = exaggeration attraction - repulsion / z, z one number or each point's own,
 *   gain = sign(g) != sign(velocity) ? gain + 0.2 : 0.8 gain, at least least_gain,
 *   velocity = momentum velocity - learning_rate gain g, shortened to max_step, y += velocity. */
#include "backend/cpu/level.h"

#include <float.h>
#include <math.h>

#include "backend/cpu/pairs.h"

#define LEAST_CHUNK ((size_t)1024)
#define BLOCK       ((size_t)256) /* points whose squares are summed in float32 */

/* What the points of one chunk tell. */
typedef struct step_part {
    double gradient, length; /* sums of |g|^2 and |velocity|^2 */
    float least[3], most[3];
} step_part;

_Static_assert(sizeof(step_part) <= (4 * 2 + 7) * sizeof(float), "pt_map_scratch has room for a part a chunk");

typedef struct step_arrays {
    const float *attraction, *repulsion, *z;
    float *y, *velocity, *gains;
} step_arrays;

static inline float inverse_of(float z)
{
    return 1.0f / (z < FLT_MIN ? FLT_MIN : z);
}

/* One coordinate up to the velocity before it is shortened; the squared gradient comes back. */
static inline float move_one(const pt_descent *by, const step_arrays *a, float inverse_z, size_t t)
{
    const float g = by->exaggeration * a->attraction[t] - a->repulsion[t] * inverse_z;
    const float v = a->velocity[t], gain = a->gains[t];
    const int turned = ((g > 0.0f) != (v > 0.0f)) | ((g < 0.0f) != (v < 0.0f));
    const float changed = turned ? gain + 0.2f : gain * 0.8f;
    const float kept = changed < by->least_gain ? by->least_gain : changed;
    a->gains[t] = kept;
    a->velocity[t] = by->momentum * v - by->learning_rate * kept * g;
    return g * g;
}

/* Points first .. end; d is a constant after inlining. */
static inline void move_block(const pt_descent *descent, const step_arrays *arrays, size_t d, size_t first, size_t end,
                              step_part *part)
{
    const pt_descent by = *descent; /* the loops' own: no store can change them */
    const step_arrays a = *arrays;
    const float limit = by.max_step * by.max_step;
    float gradient = 0.0f, length = 0.0f;
    if (by.own_z) {
#pragma omp simd reduction(+ : gradient)
        for (size_t i = first; i < end; i++) {
            const float inverse_z = inverse_of(a.z[i]);
            gradient += move_one(&by, &a, inverse_z, i * d) + move_one(&by, &a, inverse_z, i * d + 1);
            if (d == 3) { gradient += move_one(&by, &a, inverse_z, i * d + 2); }
        }
    } else {
        const float inverse_z = inverse_of(a.z[0]);
#pragma omp simd reduction(+ : gradient)
        for (size_t t = first * d; t < end * d; t++) { gradient += move_one(&by, &a, inverse_z, t); }
    }
    float least0 = part->least[0], least1 = part->least[1], least2 = part->least[2];
    float most0 = part->most[0], most1 = part->most[1], most2 = part->most[2];
#pragma omp simd reduction(+ : length) reduction(min : least0, least1, least2) reduction(max : most0, most1, most2)
    for (size_t i = first; i < end; i++) {
        float *v = a.velocity + i * d, *y = a.y + i * d;
        const float square = v[0] * v[0] + v[1] * v[1] + (d == 3 ? v[2] * v[2] : 0.0f);
        const float shortened = square > limit ? by.max_step / sqrtf(square) : 1.0f;
        length += square > limit ? limit : square;
        v[0] *= shortened, v[1] *= shortened;
        y[0] += v[0], y[1] += v[1];
        least0 = y[0] < least0 ? y[0] : least0, most0 = y[0] > most0 ? y[0] : most0;
        least1 = y[1] < least1 ? y[1] : least1, most1 = y[1] > most1 ? y[1] : most1;
        if (d == 3) {
            v[2] *= shortened;
            y[2] += v[2];
            least2 = y[2] < least2 ? y[2] : least2, most2 = y[2] > most2 ? y[2] : most2;
        }
    }
    part->least[0] = least0, part->least[1] = least1, part->least[2] = least2;
    part->most[0] = most0, part->most[1] = most1, part->most[2] = most2;
    part->gradient += (double)gradient, part->length += (double)length;
}

static void move_chunk(const pt_descent *by, const step_arrays *a, size_t d, size_t first, size_t end, step_part *part)
{
    *part = (step_part){.least = {INFINITY, INFINITY, INFINITY}, .most = {-INFINITY, -INFINITY, -INFINITY}};
    for (size_t from = first; from < end; from += BLOCK) {
        const size_t to = from + BLOCK < end ? from + BLOCK : end;
        if (d == 2) {
            move_block(by, a, 2, from, to, part);
        } else {
            move_block(by, a, 3, from, to, part);
        }
    }
}

static void tell(const step_part *parts, size_t count, size_t d, float *stats)
{
    step_part all = parts[0];
    for (size_t c = 1; c < count; c++) {
        all.gradient += parts[c].gradient, all.length += parts[c].length;
        for (size_t a = 0; a < d; a++) {
            all.least[a] = fminf(all.least[a], parts[c].least[a]);
            all.most[a] = fmaxf(all.most[a], parts[c].most[a]);
        }
    }
    for (size_t a = 0; a < d; a++) { stats[a] = all.least[a], stats[d + a] = all.most[a]; }
    stats[PT_STEP_GRADIENT(d)] = (float)all.gradient;
    stats[PT_STEP_LENGTH(d)] = (float)all.length;
}

ptsne_status cpu_embedding_step(pt_backend *be, const pt_descent *descent, const pt_buffer *attraction,
                                const pt_buffer *repulsion, const pt_buffer *z, size_t n, size_t d, const pt_buffer *y,
                                const pt_buffer *velocity, const pt_buffer *gains, const pt_buffer *scratch,
                                const pt_buffer *stats, ptsne_error *err)
{
    (void)err; /* nothing here can fail */
    const step_arrays arrays = {
        .attraction = pt_cpu_floats(attraction),
        .repulsion = pt_cpu_floats(repulsion),
        .y = pt_cpu_floats(y),
        .velocity = pt_cpu_floats(velocity),
        .gains = pt_cpu_floats(gains),
        .z = pt_cpu_floats(z),
    };
    step_part *parts = (step_part *)pair_doubles(pt_cpu_floats(scratch));
    const size_t step = pair_chunk(n, LEAST_CHUNK), chunks = pt_ceil_div(n, step);
#pragma omp parallel for num_threads(pt_cpu_threads(be, chunks)) if (chunks > 1)
    for (size_t c = 0; c < chunks; c++) {
        const size_t end = (c + 1) * step < n ? (c + 1) * step : n;
        move_chunk(descent, &arrays, d, c * step, end, &parts[c]);
    }
    tell(parts, chunks, d, pt_cpu_floats(stats));
    return PTSNE_OK;
}
