/* Mode teacher: a map made by t-SNE, and what a network learns of it.
 *
 * The map (n x d) is brought to mean 0 and, by one factor for all its dimensions, to a standard deviation of 1: the targets. A network
 * with anchors also gets a class for each row, its cluster of the map, and the clusters' centres as its first places. */
#ifndef PT_PARAMETRIC_TEACHER_H
#define PT_PARAMETRIC_TEACHER_H

#include "network/net.h"
#include "parametric/graph.h"

typedef struct pt_teacher {
    double mean[3], scale; /* target = (map - mean) / scale */
    float *target;         /* n x d */
    uint32_t *class_of;    /* n; NULL: no classes */
    float *places;         /* n_anchors x d: the classes' centres, in units of the targets */
} pt_teacher;

/* Make the map by t-SNE, and the graph from the neighbours that it found.
 *
 * settings  resolved
 * resume    the checkpoint file holds a state of this t-SNE to go on from
 * map       n x n_components; where settings->init is set, the map to begin with
 * report    teacher_kl and neighbor_seconds are set
 * Stages "pca", "neighbours", "affinities", "embedding" are told to the observer. PTSNE_ERR_STOPPED: what is there of the map is
 * in the checkpoint file, if settings have one. */
ptsne_status pt_teacher_map(pt_backend *be, const float *x, size_t n, size_t d, const ptsne_fit_options *settings,
                            bool resume, const ptsne_observer *observer, pt_graph *graph, float *map,
                            ptsne_fit_report *report, ptsne_error *err);

/* The same graph where the map is there already. Sets report's neighbor_seconds. */
ptsne_status pt_teacher_graph(pt_backend *be, const float *x, size_t n, size_t d, const ptsne_fit_options *settings,
                              const ptsne_observer *observer, pt_graph *graph, ptsne_fit_report *report,
                              ptsne_error *err);

/* Targets from the map. PTSNE_ERR_DATA: NaN or infinity in it, or all of its rows equal. */
ptsne_status pt_teacher_create(const float *map, size_t n, size_t d, pt_teacher *teacher, ptsne_error *err);
void pt_teacher_destroy(pt_teacher *teacher);

/* Classes of the targets: by k-means, which also makes the places, or by the nearest of places (n_anchors x d) that are given.
 * Stage "k-means". */
ptsne_status pt_teacher_classes(pt_backend *be, size_t n, const ptsne_fit_options *settings, const float *places,
                                const ptsne_observer *observer, pt_teacher *teacher, ptsne_error *err);

/* Parameters of a network that makes targets become those of one that makes the map; and back. */
void pt_teacher_fold(const pt_teacher *teacher, const pt_net *net, float *parameters);
void pt_teacher_unfold(const pt_teacher *teacher, const pt_net *net, float *parameters);

#endif
