/* The state of a training run or an optimisation between two steps, kept in a safetensors file: what a resumed run needs to end
 * in the same bits as one that was never interrupted. */
#ifndef PT_NETWORK_STATE_FILE_H
#define PT_NETWORK_STATE_FILE_H

#include "network/safetensors.h"

#define PT_STATE_MOMENTS ((size_t)2)

typedef struct pt_position {
    size_t epoch, step; /* epochs done; steps of the next one that are done */
    double loss_sum;    /* of those steps; of an embedding, the length of its last one */
    double last_loss;   /* mean of the last epoch that is done; NaN before the first */
} pt_position;

/* Parameters and moments have n_parameters each; NULL: the run has none. */
typedef struct pt_state {
    pt_position position;
    float *parameters, *moments[PT_STATE_MOMENTS];
    size_t n_parameters;
    float *order; /* n_order whole numbers below 2^24: the order that the run keeps its rows in */
    size_t n_order;
    float *target; /* n_target: the map that a network learns */
    size_t n_target;
    float *average; /* n_parameters: of the parameters so far */
} pt_state;

ptsne_status pt_state_create(size_t n_parameters, size_t n_moments, size_t n_order, pt_state *state, ptsne_error *err);
/* Add a target of n_target values (0: none), and an average, to a created state. */
ptsne_status pt_state_extend(pt_state *state, size_t n_target, bool average, ptsne_error *err);
void pt_state_destroy(pt_state *state);

/* run: pairs that say which run it is (options, data); its "ptsne.version" and "ptsne.device" may differ at the next start. */
ptsne_status pt_state_write(const char *path, const pt_state *state, const pt_metadata *run, ptsne_error *err);

/* Fill a created state. PTSNE_ERR_IO; PTSNE_ERR_DATA: damaged; PTSNE_ERR_ARGUMENT: of another run, the message names the first
 * thing that differs. */
ptsne_status pt_state_read(const char *path, const pt_metadata *run, const ptsne_observer *observer, pt_state *state,
                           ptsne_error *err);

/* *value: what the file's metadata have under the key, released by free(); NULL where they have no such key. */
ptsne_status pt_state_ask(const char *path, const char *key, char **value, ptsne_error *err);

#endif
