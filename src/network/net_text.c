/* A network from its text: what the items mean is told in net.h. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "network/net.h"

#define MAX_ITEM  ((size_t)63) /* letters */
#define MAX_WORDS ((size_t)7)  /* of the longest form and one */

/* One item between commas, as words. */
typedef struct item {
    char text[MAX_ITEM + 1]; /* as it was written, for messages */
    char letters[MAX_ITEM + 1];
    const char *words[MAX_WORDS];
    size_t n_words;
} item;

/* What is being made: of the last layer it is kept whether its activation is still to come. */
typedef struct parser {
    pt_net *net;
    pt_activation preset; /* of a layer that is only a number */
    bool open;            /* an activation may follow */
    ptsne_error *err;
} parser;

static const char grammar[] = "there are N, dense N, conv N HxW [stride S] [same|valid], pool S, pool HxW stride S "
                              "(the stride may be left out of a square), bn, "
                              "relu, elu, tanh, sigmoid, linear and dropout P";

/* The item at *text, cut into words; *text goes behind it and its comma, to NULL after the last one. */
static ptsne_status item_read(const char **text, item *it, ptsne_error *err)
{
    *it = (item){0};
    const char *from = *text + strspn(*text, " \t");
    size_t length = strcspn(from, ",");
    *text = from[length] == ',' ? from + length + 1 : NULL;
    while (length > 0 && (from[length - 1] == ' ' || from[length - 1] == '\t')) { length--; }
    if (length == 0) { return pt_fail(err, PTSNE_ERR_ARGUMENT, "network: an empty item; %s", grammar); }
    memcpy(it->text, from, length < MAX_ITEM ? length : MAX_ITEM);
    memcpy(it->letters, it->text, sizeof it->letters);
    for (char *at = it->letters; *at != '\0' && it->n_words < MAX_WORDS;) {
        it->words[it->n_words++] = at;
        at += strcspn(at, " \t");
        if (*at != '\0') { *at++ = '\0'; }
        at += strspn(at, " \t");
    }
    return length <= MAX_ITEM ? PTSNE_OK
                              : pt_fail(err, PTSNE_ERR_ARGUMENT, "network: \"%s...\": %s", it->text, grammar);
}

/* A count at *text, from 1 on; *text goes behind it. */
static bool count_read(const char **text, size_t *count)
{
    char *end = NULL;
    errno = 0;
    if (!isdigit((unsigned char)**text)) { return false; }
    const unsigned long long value = strtoull(*text, &end, 10);
    if (errno != 0 || value == 0 || value > PT_NET_MAX_WIDTH) { return false; }
    *text = end;
    *count = (size_t)value;
    return true;
}

static bool is_count(const char *word, size_t *count)
{
    return count_read(&word, count) && *word == '\0';
}

/* "5x4". */
static bool is_window(const char *word, size_t window[2])
{
    return count_read(&word, &window[0]) && *word++ == 'x' && is_count(word, &window[1]);
}

/* Each returns whether the item has the form, and sets *status by appending the layer; `open` may stay as it is. */

static bool dense_take(parser *p, const item *it, ptsne_status *status)
{
    size_t width;
    const bool plain = isdigit((unsigned char)it->words[0][0]);
    if (it->n_words != (plain ? 1 : 2)) { return false; }
    if (!is_count(it->words[plain ? 0 : 1], &width)) { return false; }
    *status = pt_net_append(p->net, width, plain ? p->preset : PT_LINEAR, p->err);
    p->open = true;
    return true;
}

static bool convolution_take(parser *p, const item *it, ptsne_status *status)
{
    size_t filters, kernel[2], stride = 1;
    bool same = false, padding_told = false, stride_told = false;
    if (it->n_words < 3 || !is_count(it->words[1], &filters) || !is_window(it->words[2], kernel)) { return false; }
    for (size_t w = 3; w < it->n_words; w++) {
        const char *word = it->words[w];
        if (strcmp(word, "stride") == 0 && !stride_told && w + 1 < it->n_words && is_count(it->words[w + 1], &stride)) {
            stride_told = true;
            w++;
        } else if ((strcmp(word, "same") == 0 || strcmp(word, "valid") == 0) && !padding_told) {
            padding_told = true;
            same = *word == 's';
        } else {
            return false;
        }
    }
    *status = pt_net_append_convolution(p->net, filters, kernel, stride, same, PT_LINEAR, p->err);
    p->open = true;
    return true;
}

static bool pool_take(parser *p, const item *it, ptsne_status *status)
{
    size_t kernel[2], stride;
    if (it->n_words != 2 && it->n_words != 4) { return false; }
    if (is_count(it->words[1], &kernel[0])) {
        kernel[1] = kernel[0];
    } else if (!is_window(it->words[1], kernel)) {
        return false;
    }
    stride = kernel[0];
    if (it->n_words == 4 && (strcmp(it->words[2], "stride") != 0 || !is_count(it->words[3], &stride))) { return false; }
    if (it->n_words == 2 && kernel[0] != kernel[1]) {
        *status = pt_fail(p->err, PTSNE_ERR_ARGUMENT, "needs a stride, for its window is not square");
        return true;
    }
    *status = pt_net_append_pool(p->net, kernel, stride, p->err);
    p->open = false;
    return true;
}

/* The activation that its dense layer or convolution was to have moves behind the normalisation. */
static bool norm_take(parser *p, const item *it, ptsne_status *status)
{
    if (it->n_words != 1) { return false; }
    pt_layer *before = p->net->n_layers > 0 ? &p->net->layers[p->net->n_layers - 1] : NULL;
    pt_activation activation = PT_LINEAR;
    if (p->open && before != NULL && before->kind != PT_NORM) {
        activation = before->activation;
        before->activation = PT_LINEAR;
    }
    *status = pt_net_append_norm(p->net, activation, p->err);
    p->open = true;
    return true;
}

/* "0.25"; no exponent, and always with a point, whatever the locale. */
static bool is_share(const char *word, double *share)
{
    double value = 0.0, place = 1.0;
    bool point = false, digit = false;
    for (; *word != '\0'; word++) {
        if (*word == '.' && !point) {
            point = true;
        } else if (isdigit((unsigned char)*word)) {
            digit = true;
            value = 10.0 * value + (*word - '0');
            place *= point ? 10.0 : 1.0;
        } else {
            return false;
        }
    }
    *share = value / place;
    return digit;
}

static bool drop_take(parser *p, const item *it, ptsne_status *status)
{
    double rate;
    if (it->n_words != 2 || !is_share(it->words[1], &rate)) { return false; }
    *status = pt_net_append_drop(p->net, (float)rate, p->err);
    p->open = false;
    return true;
}

static bool activation_take(parser *p, const item *it, ptsne_status *status)
{
    pt_activation activation;
    if (it->n_words != 1 || pt_activation_find(it->words[0], &activation, NULL) != PTSNE_OK) { return false; }
    if (!p->open) {
        *status = pt_fail(p->err, PTSNE_ERR_ARGUMENT, "has to follow a dense layer, conv or bn");
        return true;
    }
    p->net->layers[p->net->n_layers - 1].activation = activation;
    p->open = false;
    *status = PTSNE_OK;
    return true;
}

static ptsne_status item_take(parser *p, const item *it)
{
    static const struct {
        const char *word;
        bool (*take)(parser *p, const item *it, ptsne_status *status);
    } forms[] = {
        {"dense", dense_take}, {"conv", convolution_take}, {"pool", pool_take},
        {"bn", norm_take},     {"dropout", drop_take},
    };
    bool (*take)(parser *, const item *, ptsne_status *) =
        isdigit((unsigned char)it->words[0][0]) ? dense_take : activation_take;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (strcmp(it->words[0], forms[i].word) == 0) { take = forms[i].take; }
    }
    ptsne_status status = PTSNE_OK;
    if (!take(p, it, &status)) {
        return pt_fail(p->err, PTSNE_ERR_ARGUMENT, "network: \"%s\" is no layer: %s", it->text, grammar);
    }
    return status == PTSNE_OK ? status : pt_within(p->err, status, "network: \"%s\"", it->text);
}

/* Whether any item sees its rows as images. */
static bool sees_images(const char *text)
{
    return strstr(text, "conv") != NULL || strstr(text, "pool") != NULL;
}

ptsne_status pt_net_parse(const char *text, const char *activation, const pt_shape *input, pt_net *net,
                          ptsne_error *err)
{
    *net = (pt_net){.input = sees_images(text) ? *input : pt_shape_columns(pt_shape_count(input))};
    parser p = {.net = net, .err = err};
    ptsne_status status = pt_activation_find(activation, &p.preset, err);
    if (status == PTSNE_OK && p.preset == PT_LINEAR) {
        return pt_fail(err, PTSNE_ERR_ARGUMENT, "hidden layers need an activation: relu, elu, tanh or sigmoid");
    }
    const char *rest = text[strspn(text, " \t")] == '\0' ? NULL : text;
    while (status == PTSNE_OK && rest != NULL) {
        item it;
        status = item_read(&rest, &it, err);
        if (status == PTSNE_OK) { status = item_take(&p, &it); }
    }
    return status;
}
