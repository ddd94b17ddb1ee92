/* A metric (metric_euclidean.cl says how one is written): 1 - cos of the angle between the rows, in [0, 2]; a row of zeros is at
 * distance 1 from all. x: a b, y: a a, z: b b. */
static float4 metric_add(float4 sum, const float a, const float b)
{
    sum.x += a * b;
    sum.y += a * a;
    sum.z += b * b;
    return sum;
}

static float metric_finish(const float4 sum, const uint d)
{
    (void)d;
    if (!(sum.y > 0.0f && sum.z > 0.0f)) { return 1.0f; }
    return clamp(1.0f - sum.x / (sqrt(sum.y) * sqrt(sum.z)), 0.0f, 2.0f); /* the product alone could overflow */
}
