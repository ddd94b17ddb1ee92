/* Networks that learn from examples: classifiers and autoencoders. */
#ifndef PTSNE_LEARNING_H
#define PTSNE_LEARNING_H

#include "ptsne/base.h"
#include "ptsne/data.h"
#include "ptsne/devices.h"
#include "ptsne/model.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PTSNE_MAX_STRETCHES 8

/** So many epochs of batches of one size. */
typedef struct ptsne_stretch {
    size_t epochs, batch_size;
} ptsne_stretch;

/** What one epoch came to; NaN where there is no such figure. */
typedef struct ptsne_epoch {
    size_t epoch;          /* from 1 */
    size_t batch_size;     /* rows of its steps */
    double loss, accuracy; /* of the training rows, each as it was met; accuracy: the share of right classes */
    double validation_loss, validation_accuracy; /* of the validation rows, after the epoch */
    double seconds;                              /* since training began */
} ptsne_epoch;

/** How classifiers and autoencoders are trained. */
typedef struct ptsne_learn_options {
    /* Rows that fill no batch wait for the next epoch's order. n_stretches 0: what the task says, with batches of at
       most a sixteenth of the rows, or 8; a 0 in the only stretch: likewise */
    ptsne_stretch stretches[PTSNE_MAX_STRETCHES];
    size_t n_stretches;
    uint64_t seed;
    ptsne_optimizer optimizer;
    ptsne_schedule schedule; /* over the rows shown, those of all stretches */
    double learning_rate;    /* at its height; 0: Adam 0.001, SGD 0.1 */
    double momentum;         /* SGD */
    size_t warmup_steps;
    /* times the sum of the squares of all weights of dense and convolution layers: added to what is minimised, not to
       the losses that are told */
    double kernel_l2;
    /* validation: a share of the rows, 0 to below 1, is kept from training; or there are rows of their own,
       n_validation x n_features, and for a classifier their labels, borrowed during the call: then the share is not
       taken */
    double validation;
    const float *x_validation;
    const ptsne_labels *labels_validation;
    size_t n_validation;
    /* an early end: when the loss has not fallen by more than min_delta for `patience` epochs; the model is then that
       of the epoch with the least loss. It is that of the validation rows, without any of the training rows. 0: no
       early end, and the last epoch's model */
    size_t patience;
    double min_delta;
    /* told after each epoch; not 0: stop */
    int (*epoch)(const ptsne_epoch *epoch, void *user);
    void *epoch_user;
} ptsne_learn_options;

typedef struct ptsne_learn_report {
    size_t n_training, n_validation; /* rows */
    size_t n_parameters;             /* of the model */
    size_t epochs, steps;            /* done */
    ptsne_epoch kept;                /* figures of the epoch whose model this is */
    int ended_early;                 /* not 0: patience ended it */
    double scale;                    /* what training saw is (x - mean) scale; autoencoders: x scale */
    size_t constant_columns;         /* of a classifier's rows */
    double seconds;                  /* of this call */
    double training_seconds;         /* of these, steps and validation */
    double product_flop;             /* floating-point operations of the matrix products in the steps */
} ptsne_learn_report;

typedef struct ptsne_classify_options {
    /* "conv 20 5x5 same, bn, relu, pool 2, dense 200, bn, relu"; "" for none. The layer of the classes comes after
       it */
    const char *net;
    const char *activation; /* of layers that net gives as a bare width: "200,100" */
    size_t input[3];        /* height, width and channels of a row, channels fastest; all 0: a row is no image */
    ptsne_learn_options learn;
} ptsne_classify_options;

/**
 * The documented defaults: a hidden layer of 200 with batch normalisation and relu, Adam at 0.001 falling with a
 * cosine, 5 epochs of batches of 64 and 7 of 512 (on small data as many of the first as make 1000 steps), a tenth of
 * the rows for validation, no early end.
 */
PTSNE_API void ptsne_classify_options_default(ptsne_classify_options *options);

/**
 * Train a classifier: a network whose last layer has a value a class, by the cross-entropy of their softmax, in nats.
 *
 * Inputs are centred and scaled by one number, which the model keeps: it takes rows in the units of x. The same seed
 * gives the same model, bit for bit, on the same device for any number of threads.
 *
 * @param device    Borrowed until the model is destroyed.
 * @param x         n x n_features, borrowed during the call.
 * @param labels    One a row, two classes at least; borrowed during the call. The model keeps the names.
 * @param options   May be NULL: defaults.
 * @param observer  May be NULL. Stage "training".
 * @param model     The caller destroys it. Also set, to the model so far (that of the best epoch where
 *                  patience is set), when the call returns PTSNE_ERR_DIVERGED or PTSNE_ERR_STOPPED after the first
 *                  epoch; else NULL.
 * @param report    May be NULL.
 * @return PTSNE_OK; PTSNE_ERR_ARGUMENT (a bad network, ...); PTSNE_ERR_DATA (NaN or infinity, labels of another number,
 *         one class alone, a validation label that training does not know); PTSNE_ERR_MEMORY; PTSNE_ERR_DEVICE;
 *         PTSNE_ERR_DIVERGED; PTSNE_ERR_STOPPED.
 */
PTSNE_API ptsne_status ptsne_classify(ptsne_device *device, const float *x, const ptsne_labels *labels, size_t n,
                                      size_t n_features, const ptsne_classify_options *options,
                                      const ptsne_observer *observer, ptsne_model **model, ptsne_learn_report *report,
                                      ptsne_error *err);

/** Classes of a classifier; 0: the model is none. */
PTSNE_API size_t ptsne_model_classes(const ptsne_model *model);

/** Name of a class, UTF-8; class_index below ptsne_model_classes. Lives as long as the model. */
PTSNE_API const char *ptsne_model_class_name(const ptsne_model *model, size_t class_index);

/**
 * What a classifier says of rows.
 *
 * @param x                  n x n_features, in the units of the data it was trained on; borrowed.
 * @param classes            n, the class of each row; may be NULL.
 * @param log_probabilities  n x classes, in nats, each row's exponentials summing to 1; may be NULL.
 * @return PTSNE_OK; PTSNE_ERR_ARGUMENT (the model is no classifier); PTSNE_ERR_DATA (NaN or infinity in x);
 *         PTSNE_ERR_MEMORY; PTSNE_ERR_DEVICE.
 */
PTSNE_API ptsne_status ptsne_predict(ptsne_model *model, const float *x, size_t n, uint32_t *classes,
                                     float *log_probabilities, ptsne_error *err);

typedef struct ptsne_autoencode_options {
    const char *encoder;    /* "196, relu"; its last layer makes the codes */
    const char *decoder;    /* "784, sigmoid"; its last layer has n_features values */
    const char *activation; /* of layers that are given as a bare width, without one of their own */
    size_t input[3];        /* height, width and channels of a row; all 0: a row is no image */
    double scale;           /* the network learns to give back x times this; 0: 1 / the largest magnitude in x */
    double activity_l2; /* times the mean over rows of the sum of the squares of a code: added to what is minimised */
    ptsne_learn_options learn;
} ptsne_autoencode_options;

/**
 * The documented defaults: codes of 32 by relu, a linear layer back, at most 100 epochs of batches of 256, Adam at a
 * constant 0.001, a tenth of the rows for validation, patience 3, least improvement 1e-4. decoder NULL: one linear
 * layer.
 */
PTSNE_API void ptsne_autoencode_options_default(ptsne_autoencode_options *options);

/**
 * Train an autoencoder: a network that gives back its input through a layer of codes, by the mean squared error of all
 * values of x times the scale. Arguments and status as for ptsne_classify.
 */
PTSNE_API ptsne_status ptsne_autoencode(ptsne_device *device, const float *x, size_t n, size_t n_features,
                                        const ptsne_autoencode_options *options, const ptsne_observer *observer,
                                        ptsne_model **model, ptsne_learn_report *report, ptsne_error *err);

/** Values of an autoencoder's code; 0: the model is none. */
PTSNE_API size_t ptsne_model_code_size(const ptsne_model *model);

/**
 * Codes of rows, and what the autoencoder makes of them again.
 *
 * @param x                n x n_features, in the units of the data it was trained on; borrowed.
 * @param codes            n x ptsne_model_code_size; may be NULL.
 * @param reconstructions  n x n_features, in the units of x; may be NULL.
 * @param loss             Mean squared error of the rows in the units of training, x times its scale; may be NULL.
 * @return as ptsne_predict.
 */
PTSNE_API ptsne_status ptsne_reconstruct(ptsne_model *model, const float *x, size_t n, float *codes,
                                         float *reconstructions, double *loss, ptsne_error *err);

#ifdef __cplusplus
}
#endif

#endif
