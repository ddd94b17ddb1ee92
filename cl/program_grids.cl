/* A program (see program_rows.cl): charges and potentials on grids. */
#include "grid_spread.cl"
#include "grid_levels.cl"
#include "grid_convolve.cl"
#include "grid_gather.cl"
