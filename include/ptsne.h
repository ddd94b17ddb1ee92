/* ptsne: t-SNE and parametric t-SNE on any OpenCL device, or on the CPU.
 *
 * Everything that can fail returns a ptsne_status and takes a ptsne_error last, which may be NULL.
 * Arrays are row-major float32 unless they say otherwise; counts are size_t. "Borrowed" memory stays
 * the caller's and is only read; what a function hands out is released by the destroy function of its type, and
 * destroying NULL does nothing. The library never prints and never exits. No object may be
 * used by two threads at once; different objects may. Who uses a model uses its device.
 *
 * What there is, in the order in which it is best read: base (errors, progress), devices, data (in and out), embed
 * (t-SNE), model (networks that map rows), fit (parametric t-SNE), learning (classifiers, autoencoders), analysis
 * (quality, clusters), render (pictures). */
#ifndef PTSNE_H
#define PTSNE_H

#include "ptsne/analysis.h"
#include "ptsne/base.h"
#include "ptsne/data.h"
#include "ptsne/devices.h"
#include "ptsne/embed.h"
#include "ptsne/fit.h"
#include "ptsne/learning.h"
#include "ptsne/model.h"
#include "ptsne/render.h"

#endif
