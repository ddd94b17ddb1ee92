/* A metric: how far apart two rows are. To add your own, copy this file to metric_NAME.cl in a directory of yours, name
 * that directory by --kernels or PTSNE_KERNEL_PATH, and use --metric NAME. The file defines two functions:
 *
 *   float4 metric_add(float4 sum, float a, float b)
 *     takes one coordinate of either row into what was gathered so far; called for coordinates 0 .. d - 1 in this order.
 *     sum begins as four zeros; use as many of its components as you need.
 *   float metric_finish(float4 sum, uint d)
 *     turns what was gathered over all d coordinates into the distance: at least 0, smaller is nearer.
 *
 * Plain OpenCL C 1.2 in float; helpers are `static`. A call of --metric compiles the file at once, and a mistake is told with
 * this file's own line numbers.
 *
 * This one: the SQUARED euclidean distance, sum of (a - b)^2. */
static float4 metric_add(float4 sum, const float a, const float b)
{
    sum.x += (a - b) * (a - b);
    return sum;
}

static float metric_finish(const float4 sum, const uint d)
{
    (void)d;
    return sum.x;
}
