/* A program (see program_rows.cl): what networks are made of. */
#include "bias_activation.cl"
#include "dropout.cl"
#include "convolution.cl"
#include "max_pool.cl"
#include "normalize.cl"
#include "anchors.cl"
#include "losses.cl"
#include "steps.cl"
