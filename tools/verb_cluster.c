/* Reads the data, finds clusters for each k, scores them, and writes labels, and on demand centres and silhouettes. */
#include "verb_cluster.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "outputs.h"
#include "report.h"

#define SCORED ((size_t)100000) /* rows that --score auto takes: every pair is looked at */

enum { SCORE_AUTO, SCORE_ALWAYS, SCORE_NEVER };
enum { METRIC_EUCLIDEAN, METRIC_COSINE };

typedef struct cluster_settings {
    console_settings console;
    const char *input, *output, *centers, *silhouette, *json;
    int to; /* table_format */
    bool force;
    cli_numbers k;
    int metric, score;
    ptsne_cluster_options cluster;
    device_settings device;
    read_settings read;
} cluster_settings;

/* One run: the clusters of each k. */
typedef struct cluster_run {
    const cli_call *call;
    size_t k[CLI_MAX_NUMBERS], n_k;
    ptsne_table *table;
    ptsne_device *device;
    const float *x;
    size_t n, d;
    uint32_t *labels; /* n_k x n */
    float *centers;   /* k x d, where they are wanted */
    float *values;    /* n_k x n, silhouettes, where they are wanted */
    ptsne_cluster_report reports[CLI_MAX_NUMBERS];
    double means[CLI_MAX_NUMBERS]; /* of the silhouettes; NaN: not scored, or one cluster */
    bool scored;
    size_t best; /* the place of the largest mean; n_k: none */
    char names[CLI_MAX_NUMBERS][32];
    const char *columns[CLI_MAX_NUMBERS]; /* "k5", for the header of a CSV */
} cluster_run;

static const char *metric_name(const cluster_settings *settings)
{
    return settings->metric == METRIC_COSINE ? "cosine" : "euclidean";
}

/* ---- what goes together ---- */

static int take_k(cluster_run *run)
{
    const cluster_settings *settings = run->call->settings;
    run->n_k = settings->k.count;
    for (size_t t = 0; t < run->n_k; t++) {
        const double k = settings->k.values[t];
        if (k != floor(k)) { return cli_refuse(run->call, "-k: %g is not a whole number", k); }
        run->k[t] = (size_t)k;
        for (size_t s = 0; s < t; s++) {
            if (run->k[s] == run->k[t]) { return cli_refuse(run->call, "-k: %zu is there twice", run->k[t]); }
        }
        snprintf(run->names[t], sizeof run->names[t], "k%zu", run->k[t]);
        run->columns[t] = run->names[t];
    }
    return EXIT_SUCCESS;
}

static int check_outputs(const cli_call *call)
{
    const cluster_settings *settings = call->settings;
    const char *const tables[] = {settings->output, settings->centers, settings->silhouette};
    const output_file outputs[] = {{"-o", settings->output, settings->force},
                                   {"--centers", settings->centers, settings->force},
                                   {"--silhouette", settings->silhouette, settings->force},
                                   {"--json", settings->json, true}};
    const char *format;
    int code = EXIT_SUCCESS;
    for (size_t i = 0; i < CLI_LENGTH(tables) && code == EXIT_SUCCESS; i++) {
        if (tables[i] != NULL) { code = table_format_choose(call, tables[i], settings->to, true, &format); }
    }
    return code == EXIT_SUCCESS ? outputs_check(call, outputs, CLI_LENGTH(outputs), &settings->input, 1) : code;
}

static int check_settings(cluster_run *run)
{
    const cli_call *call = run->call;
    const cluster_settings *settings = call->settings;
    const int code = take_k(run);
    if (code != EXIT_SUCCESS) { return code; }
    if (settings->centers != NULL && run->n_k > 1) {
        return cli_refuse(call, "--centers takes one -k, not %zu: choose one first", run->n_k);
    }
    if (settings->silhouette != NULL && settings->score == SCORE_NEVER) {
        return cli_refuse(call, "--silhouette has no effect with --score never: nothing is computed");
    }
    return check_outputs(call);
}

/* ---- the work ---- */

static int cluster_fail(const cluster_run *run, ptsne_status status, ptsne_error *err)
{
    const cluster_settings *settings = run->call->settings;
    if (status == PTSNE_ERR_STOPPED) { return console_say_stopped(run->call->console, settings->output, NULL); }
    const bool about_data = status == PTSNE_ERR_ARGUMENT || status == PTSNE_ERR_DATA;
    return console_fail(run->call->console, about_data ? settings->input : NULL, err);
}

static int prepare(cluster_run *run)
{
    const cli_call *call = run->call;
    const cluster_settings *settings = call->settings;
    const ptsne_read_options read = read_settings_use(&settings->read);
    const int code = table_read(call, settings->input, &read, &run->table);
    if (code != EXIT_SUCCESS) { return code; }
    run->x = ptsne_table_values(run->table);
    run->n = ptsne_table_rows(run->table);
    run->d = ptsne_table_columns(run->table);
    run->scored = settings->score == SCORE_ALWAYS || settings->silhouette != NULL ||
                  (settings->score == SCORE_AUTO && run->n <= SCORED);
    run->labels = calloc(run->n, run->n_k * sizeof *run->labels);
    const bool values_wanted = settings->silhouette != NULL, centers_wanted = settings->centers != NULL;
    if (values_wanted) { run->values = calloc(run->n, run->n_k * sizeof *run->values); }
    if (centers_wanted && run->k[0] <= run->n) { run->centers = calloc(run->k[0], run->d * sizeof *run->centers); }
    const bool centers_missing = centers_wanted && run->k[0] <= run->n && run->centers == NULL;
    if (run->labels == NULL || (values_wanted && run->values == NULL) || centers_missing) {
        console_error(call->console, "not enough memory for the clusters of %zu rows", run->n);
        return EXIT_FAILED;
    }
    return device_settings_open(call, &settings->device, &run->device);
}

static int find(cluster_run *run)
{
    const cli_call *call = run->call;
    const cluster_settings *settings = call->settings;
    const ptsne_observer observer = console_observer(call->console);
    ptsne_cluster_options options = settings->cluster;
    ptsne_error err = {0};
    options.metric = metric_name(settings);
    ptsne_status status = ptsne_cluster(run->device, run->x, run->n, run->d, run->k, run->n_k, &options, &observer,
                                        run->labels, run->centers, run->reports, &err);
    if (status != PTSNE_OK) { return cluster_fail(run, status, &err); }
    run->best = run->n_k;
    for (size_t t = 0; t < run->n_k; t++) { run->means[t] = (double)NAN; }
    if (!run->scored) { return EXIT_SUCCESS; }
    status = ptsne_silhouette(run->device, run->x, run->n, run->d, run->labels, run->n_k, options.metric, &observer,
                              run->values, run->means, &err);
    if (status != PTSNE_OK) { return cluster_fail(run, status, &err); }
    for (size_t t = 0; t < run->n_k; t++) {
        const bool better = run->best == run->n_k || run->means[t] > run->means[run->best];
        if (isfinite(run->means[t]) && better) { run->best = t; }
    }
    return EXIT_SUCCESS;
}

/* ---- the results ---- */

/* n_k x n numbers of 4 bytes as n x n_k; released by free(). Prints and returns NULL where there is no memory. */
static void *rows_of(const cluster_run *run, const void *from)
{
    uint32_t *rows = calloc(run->n, run->n_k * sizeof *rows);
    if (rows == NULL) { console_error(run->call->console, "not enough memory for the clusters of %zu rows", run->n); }
    for (size_t t = 0; rows != NULL && t < run->n_k; t++) {
        const char *column = (const char *)from + t * run->n * sizeof *rows;
        for (size_t i = 0; i < run->n; i++) {
            memcpy(&rows[i * run->n_k + t], column + i * sizeof *rows, sizeof *rows);
        }
    }
    return rows;
}

static int write_labels(const cluster_run *run)
{
    const cluster_settings *settings = run->call->settings;
    const table_file file = {settings->output, settings->to, true, run->n, run->n_k, run->columns, true};
    ptsne_writer *writer = NULL;
    ptsne_error err = {0};
    int32_t *rows = rows_of(run, run->labels);
    int code = rows == NULL ? EXIT_FAILED : table_begin(run->call, &file, &writer);
    if (code == EXIT_SUCCESS) {
        code = table_end(run->call, writer, ptsne_writer_labels(writer, rows, run->n, &err), &err);
    }
    free(rows);
    return code;
}

static int write_silhouettes(const cluster_run *run)
{
    const cluster_settings *settings = run->call->settings;
    const table_file file = {settings->silhouette, settings->to, true, run->n, run->n_k, run->columns, false};
    if (settings->silhouette == NULL) { return EXIT_SUCCESS; }
    float *rows = rows_of(run, run->values);
    const int code = rows == NULL ? EXIT_FAILED : table_write(run->call, &file, rows);
    free(rows);
    return code;
}

static int write_centers(const cluster_run *run)
{
    const cluster_settings *settings = run->call->settings;
    if (settings->centers == NULL) { return EXIT_SUCCESS; }
    const char **names = column_names(run->call, "column", run->d);
    if (names == NULL) { return EXIT_FAILED; }
    const table_file file = {settings->centers, settings->to, true, run->k[0], run->d, names, false};
    const int code = table_write(run->call, &file, run->centers);
    free(names);
    return code;
}

static void say(const cluster_run *run)
{
    const cluster_settings *settings = run->call->settings;
    cli_console *console = run->call->console;
    console_note(console, "%s: clusters of %zu rows, %s", output_name(settings->output), run->n, metric_name(settings));
    console_note(console, "       k       inertia  silhouette  smallest   largest  iterations");
    for (size_t t = 0; t < run->n_k; t++) {
        const ptsne_cluster_report *done = &run->reports[t];
        char score[32] = "-";
        if (isfinite(run->means[t])) { snprintf(score, sizeof score, "%.4f", run->means[t]); }
        console_note(console, "%s %6zu  %12.6g  %10s  %8zu  %8zu  %10zu", run->n_k > 1 && t == run->best ? "*" : " ",
                     done->k, done->inertia, score, done->smallest, done->largest, done->iterations);
    }
    if (run->n_k > 1 && run->best < run->n_k) { console_note(console, "* has the best silhouette"); }
    if (!run->scored && settings->score == SCORE_AUTO) {
        console_note(console, "no silhouettes: there are over %zu rows (--score always)", SCORED);
    }
}

static json_t *sizes_json(const cluster_run *run, size_t t)
{
    json_t *sizes = json_array();
    size_t *count = calloc(run->k[t], sizeof *count);
    for (size_t i = 0; count != NULL && i < run->n; i++) { count[run->labels[t * run->n + i]]++; }
    for (size_t e = 0; count != NULL && e < run->k[t]; e++) { json_array_append_new(sizes, report_count(count[e])); }
    free(count);
    return sizes;
}

static int report(const cluster_run *run)
{
    const cluster_settings *settings = run->call->settings;
    if (settings->json == NULL) { return EXIT_SUCCESS; }
    json_t *found = json_array();
    for (size_t t = 0; t < run->n_k; t++) {
        const ptsne_cluster_report *done = &run->reports[t];
        json_array_append_new(found, json_pack("{s:I, s:o, s:o, s:I, s:b, s:I, s:o, s:o}", "k", (json_int_t)done->k,
                                               "inertia", report_number(done->inertia), "silhouette",
                                               report_number(run->means[t]), "iterations", (json_int_t)done->iterations,
                                               "converged", done->converged, "empty", (json_int_t)done->empty,
                                               "seconds", report_number(done->seconds), "sizes", sizes_json(run, t)));
    }
    json_t *best = run->best < run->n_k ? report_count(run->k[run->best]) : json_null();
    json_t *whole = report_head(run->device, "done", settings->input, run->n, run->d);
    json_t *about = json_pack("{s:o, s:s, s:I, s:I, s:o, s:o}", "labels", report_text(settings->output), "metric",
                              metric_name(settings), "restarts", (json_int_t)settings->cluster.restarts, "seed",
                              (json_int_t)settings->cluster.seed, "best_k", best, "clusterings", found);
    whole = report_join(whole, about);
    return report_write(run->call->console, settings->json, whole);
}

static int cluster_verb_run(const cli_call *call)
{
    cluster_run run = {.call = call};
    int code = check_settings(&run);
    if (code != EXIT_SUCCESS) { return code; }
    console_catch_signals();
    if ((code = prepare(&run)) != EXIT_SUCCESS) { goto done; }
    if ((code = find(&run)) != EXIT_SUCCESS) { goto done; }
    if ((code = write_labels(&run)) != EXIT_SUCCESS) { goto done; }
    if ((code = write_centers(&run)) != EXIT_SUCCESS) { goto done; }
    if ((code = write_silhouettes(&run)) != EXIT_SUCCESS) { goto done; }
    say(&run);
    code = report(&run);
done:
    free(run.values);
    free(run.centers);
    free(run.labels);
    ptsne_table_destroy(run.table);
    ptsne_device_destroy(run.device);
    return code;
}

/* ---- the options ---- */

#define AT(member)      offsetof(cluster_settings, member)
#define CLUSTER(member) offsetof(cluster_settings, cluster.member)

static const cli_option data_options[] = {
    INPUT_OPERAND("X", AT(input), true),
    {.name = "output",
     .letter = 'o',
     .kind = CLI_TEXT,
     .member = AT(output),
     .argument = "LABELS",
     .required = true,
     .help = "where the labels go, from 0: .npy or .csv; - is standard output",
     .more = "A column for each k: int32, of one dimension where there is one k. --label-column of other verbs takes "
             "one of several: by its name k5, k10 ... in CSV, by its number in .npy."},
    TABLE_FORMAT_OPTION(AT(to), TABLE_FORMAT_BY_ROWS),
    FORCE_OPTION(AT(force), "overwrite files that exist"),
    {.name = "centers",
     .kind = CLI_TEXT,
     .member = AT(centers),
     .argument = "FILE",
     .help = "write the centres, a row a cluster: .npy or .csv; takes one k"},
    {.name = "silhouette",
     .kind = CLI_TEXT,
     .member = AT(silhouette),
     .argument = "FILE",
     .help = "write each point's silhouette, a column for each k: .npy or .csv"},
    REPORT_OPTION(AT(json), "write a report as JSON: inertia, silhouette, sizes"),
};

static const cli_option cluster_options[] = {
    {.name = "clusters",
     .letter = 'k',
     .kind = CLI_NUMBERS,
     .member = AT(k),
     .least = 1,
     .most = 4e9,
     .argument = "LIST",
     .required = true,
     .help = "how many clusters, or several numbers to compare: 5,10,20",
     .more = "At most the number of different rows."},
    {.name = "metric",
     .kind = CLI_CHOICE,
     .member = AT(metric),
     .argument = "NAME",
     .choices = "euclidean,cosine",
     .help = "distance: euclidean or cosine",
     .more = "cosine: rows are scaled to length 1, and centres are means of such rows."},
    {.name = "restarts",
     .kind = CLI_COUNT,
     .member = CLUSTER(restarts),
     .least = 1,
     .most = 1000000,
     .argument = "N",
     .help = "starts for each k, of which the one with the least inertia is kept"},
    {.name = "max-iterations",
     .kind = CLI_COUNT,
     .member = CLUSTER(max_iterations),
     .least = 1,
     .most = 1000000000,
     .argument = "N",
     .help = "iterations of a start at most"},
    {.name = "tolerance",
     .kind = CLI_NUMBER,
     .member = CLUSTER(tolerance),
     .most = 1000000,
     .argument = "T",
     .help = "settled when the centres move less than this",
     .more = "Sum of their squared moves, as a part of the columns' mean variance."},
    {.name = "score",
     .kind = CLI_CHOICE,
     .member = AT(score),
     .argument = "WHEN",
     .choices = "auto,always,never",
     .help = "compute silhouettes: auto, always or never",
     .more = "They take every pair of points; auto: up to 100,000 rows, and where --silhouette asks for them."},
    {.name = "seed",
     .kind = CLI_SEED,
     .member = CLUSTER(seed),
     .argument = "N",
     .help = "the same seed gives the same clusters, bit for bit"},
};

static const cli_section sections[] = {
    {"Data", data_options, CLI_LENGTH(data_options), 0, false},
    {"Clusters", cluster_options, CLI_LENGTH(cluster_options), 0, false},
    {"Reading X", read_options, CLI_LENGTH(read_options), AT(read), true},
    {"Device", device_options, CLI_LENGTH(device_options), AT(device), true},
    {"Messages", cli_console_options, CLI_LENGTH(cli_console_options), AT(console), true},
};

static void cluster_defaults(void *settings)
{
    cluster_settings *cluster = settings;
    ptsne_cluster_options_default(&cluster->cluster);
    read_settings_default(&cluster->read);
}

const cli_verb verb_cluster = {
    .name = "cluster",
    .summary = "find groups in data (k-means)",
    .usage = "X -k K -o LABELS",
    .description =
        "Splits the rows of X into K clusters by k-means, the best of several k-means++ starts, and writes each "
        "row's label. Of several K it prints a table and marks the one with the best silhouette.\n\n"
        "The silhouette says how well a point lies in its cluster, from -1 (it belongs to another) to 1; the "
        "inertia is the sum of squared distances to the centres, which only falls as K grows.",
    .examples = "  ptsne cluster features.npy -k 10 -o labels.npy\n"
                "  ptsne cluster features.npy -k 5,10,20 --silhouette s.csv -o labels.csv\n"
                "  ptsne cluster vectors.vec -k 50 --metric cosine --centers centers.npy -o labels.npy\n"
                "  ptsne-render scatter map.npy --labels labels.npy -o map.png\n",
    .sections = sections,
    .n_sections = CLI_LENGTH(sections),
    .settings_size = sizeof(cluster_settings),
    .defaults = cluster_defaults,
    .console = AT(console),
    .run = cluster_verb_run,
};
