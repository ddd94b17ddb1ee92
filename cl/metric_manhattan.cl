/* A metric (metric_euclidean.cl says how one is written): sum of |a - b|. */
static float4 metric_add(float4 sum, const float a, const float b)
{
    sum.x += fabs(a - b);
    return sum;
}

static float metric_finish(const float4 sum, const uint d)
{
    (void)d;
    return sum.x;
}
