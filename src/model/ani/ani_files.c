/* The folder of a model: which files are there, and what is wrong with them.
 *
 *     FOLDER/NAME.params  FOLDER/sae_linfit.dat  FOLDER/train<M>/networks/ANN-<E>.nnf (or .nnf.txt)
 *     FOLDER/train<M>/networks/ANN-<E>.nnf-l<K>.wparam, .bparam: raw little-endian float32
 *
 * A file NAME.info in the folder may name the parameters, the self energies, the members' prefix
 * and their number (one per line, with paths relative to the folder's parent); without it the only
 * *.params is taken, and as many train<M> as there are. */
#include "base/text.h"
#include "model/ani/ani_h5.h"
#include "model/ani/ani_params.h"
#include "model/built_in.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct listing {
    char params[ANI_NAME_SIZE], energies[ANI_NAME_SIZE], prefix[ANI_NAME_SIZE];
    int members;
} listing;

enum { FILE_PATH_SIZE = ANI_PATH_SIZE + 3 * ANI_NAME_SIZE };

static mds_status absent(const char *path, const char *what)
{
    return mds_fail(MDS_ERR_UNSUPPORTED,
                    "no ANI weights in '%s': %s. Take resources/ani-2x_8x of "
                    "github.com/aiqm/ani-model-zoo, and name the folder, or a file made by "
                    "analysis/convert_ani.py, with the option 'weights'",
                    path, what);
}

static bool exists(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0;
}

/* The only file that ends so into `name`; the number of such files. */
static int find_by_ending(const char *folder, const char *ending, char *name)
{
    DIR *directory = opendir(folder);
    int count = 0;

    if (!directory)
        return -1;
    for (const struct dirent *entry; (entry = readdir(directory));) {
        const size_t length = strlen(entry->d_name), end = strlen(ending);

        if (length <= end || length >= ANI_NAME_SIZE ||
            strcmp(entry->d_name + length - end, ending) != 0)
            continue;
        snprintf(name, ANI_NAME_SIZE, "%s", entry->d_name);
        ++count;
    }
    closedir(directory);
    return count;
}

/* The last component of the path on a line of the .info file. */
static bool next_name(const char **text, char *name)
{
    char line[256];
    int used = 0;

    if (sscanf(*text, " %255[^\r\n]%n", line, &used) != 1)
        return false;
    *text += used;
    line[strcspn(line, " \t")] = '\0';
    const char *slash = strrchr(line, '/');
    snprintf(name, ANI_NAME_SIZE, "%.95s", slash ? slash + 1 : line);
    return true;
}

static mds_status read_info(const char *path, listing *out)
{
    char *text = NULL, count[ANI_NAME_SIZE], *after = NULL;
    mds_status status = mds_read_file(path, &text, NULL);
    const char *at = text;

    if (status == MDS_OK && next_name(&at, out->params) && next_name(&at, out->energies) &&
        next_name(&at, out->prefix) && next_name(&at, count))
        out->members = (int)strtol(count, &after, 10);
    if (status == MDS_OK && (!after || *after || out->members < 1))
        status = mds_fail(MDS_ERR_CONFIG,
                          "%s: four lines are right: parameters, self energies, prefix of the "
                          "members, their number",
                          path);
    free(text);
    return status;
}

static mds_status list_folder(const char *folder, listing *out)
{
    char name[ANI_NAME_SIZE], path[FILE_PATH_SIZE];
    const int infos = find_by_ending(folder, ".info", name);

    if (infos < 0)
        return absent(folder,
                      errno == ENOENT ? "there is no such folder or file" : strerror(errno));
    if (infos == 1) {
        snprintf(path, sizeof path, "%s/%s", folder, name);
        return read_info(path, out);
    }
    const int params = find_by_ending(folder, ".params", out->params);
    if (params == 0)
        return absent(folder, "there is no *.params");
    if (params > 1)
        return mds_fail(MDS_ERR_CONFIG, "%s: %d files *.params; one, or one *.info, is right",
                        folder, params);
    snprintf(out->energies, sizeof out->energies, "sae_linfit.dat");
    snprintf(out->prefix, sizeof out->prefix, "train");
    for (out->members = 0; out->members <= ANI_MEMBERS_MAX; ++out->members) {
        snprintf(path, sizeof path, "%s/train%d", folder, out->members);
        if (!exists(path))
            break;
    }
    return out->members ? MDS_OK : absent(folder, "there is no train0/networks");
}

static mds_status parse_file(const char *folder, const char *name, ani_weights *out,
                             mds_status (*parse)(const char *, const char *, ani_weights *))
{
    char path[FILE_PATH_SIZE], *text = NULL;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (!exists(path)) {
        char what[FILE_PATH_SIZE];

        snprintf(what, sizeof what, "there is no %s", name);
        return absent(folder, what);
    }
    mds_status status = mds_read_file(path, &text, NULL);
    if (status == MDS_OK)
        status = parse(path, text, out);
    free(text);
    return status;
}

static bool is_file(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

mds_status ani_weights_open(const char *path, ani_weights *out)
{
    listing files = {.members = 0};
    const char *folder = path;
    mds_status status;

    memset(out, 0, sizeof *out);
    out->energy_unit_eV = ANI_HARTREE_EV;
    if (strlen(path) >= sizeof out->folder)
        return mds_fail(MDS_ERR_CONFIG, "option 'weights': the path is too long");
    snprintf(out->folder, sizeof out->folder, "%s", path);
    if (mds_built_in_name(path) || is_file(path))
        return ani_h5_open(path, out);
    MDS_TRY(list_folder(folder, &files));
    if (files.members > ANI_MEMBERS_MAX)
        return mds_fail(MDS_ERR_CONFIG, "%s: %d members; at most %d are right", folder,
                        files.members, ANI_MEMBERS_MAX);
    snprintf(out->prefix, sizeof out->prefix, "%s", files.prefix);
    out->members = files.members;
    MDS_TRY(parse_file(folder, files.params, out, ani_params_parse));
    MDS_TRY(parse_file(folder, files.energies, out, ani_self_energies_parse));
out:
    return status;
}

static void path_of(const ani_weights *w, int member, const char *name, char *path)
{
    snprintf(path, FILE_PATH_SIZE, "%s/%s%d/networks/%s", w->folder, w->prefix, member, name);
}

/* Of `count` numbers, no more and no less. */
static mds_status check_size(const char *path, int64_t count)
{
    struct stat info;

    if (stat(path, &info) != 0)
        return mds_fail(MDS_ERR_IO, "%s: %s", path, strerror(errno));
    if (info.st_size != 4 * count)
        return mds_fail(MDS_ERR_CONFIG, "%s: %lld bytes; %lld float32 numbers are %lld bytes", path,
                        (long long)info.st_size, (long long)count, (long long)(4 * count));
    return MDS_OK;
}

static mds_status check_net(ani_weights *w, int member, int element)
{
    char name[ANI_NAME_SIZE], path[FILE_PATH_SIZE], *bytes = NULL;
    ani_net *net = &w->net[member][element];
    const int length = ani_descriptor_length(&w->descriptor, w->elements);
    size_t size;
    mds_status status;

    snprintf(name, sizeof name, "ANN-%s.nnf", w->symbol[element]);
    path_of(w, member, name, path);
    if (!exists(path)) {
        snprintf(name, sizeof name, "ANN-%s.nnf.txt", w->symbol[element]);
        path_of(w, member, name, path);
        if (!exists(path)) {
            path[strlen(path) - 4] = '\0'; /* the published name is the one to look for */
            return mds_fail(MDS_ERR_IO, "%s: there is no such file, nor with .txt behind it", path);
        }
    }
    MDS_TRY(mds_read_file(path, &bytes, &size));
    MDS_TRY(ani_nnf_parse(path, bytes, size, net));
    if (net->layer[0].in != length) {
        status = mds_fail(MDS_ERR_CONFIG, "%s: %d inputs, but the descriptor has %d numbers", path,
                          net->layer[0].in, length);
        goto out;
    }
    for (int k = 0; k < net->layers; ++k) {
        const ani_layer *layer = &net->layer[k];

        path_of(w, member, layer->weight_file, path);
        MDS_TRY(check_size(path, (int64_t)layer->in * layer->out));
        path_of(w, member, layer->bias_file, path);
        MDS_TRY(check_size(path, layer->out));
    }
out:
    free(bytes);
    return status;
}

mds_status ani_weights_check(ani_weights *w)
{
    mds_status status = MDS_OK;

    if (w->file)
        return ani_h5_check(w);
    for (int m = 0; m < w->members && status == MDS_OK && !w->seed; ++m)
        for (int e = 0; e < w->elements && status == MDS_OK; ++e)
            status = check_net(w, m, e);
    return status;
}

static mds_status read_numbers(const char *path, int64_t count, float *out)
{
    mds_status status = check_size(path, count);
    FILE *file = status == MDS_OK ? fopen(path, "rb") : NULL;

    if (status != MDS_OK)
        return status;
    if (!file)
        return mds_fail(MDS_ERR_IO, "%s: %s", path, strerror(errno));
    const size_t read = fread(out, sizeof *out, (size_t)count, file);
    fclose(file);
    if (read != (size_t)count)
        return mds_fail(MDS_ERR_IO, "%s: ends after %zu of %lld numbers", path, read,
                        (long long)count);
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
    for (int64_t i = 0; i < count; ++i) {
        uint32_t bits;

        memcpy(&bits, out + i, sizeof bits);
        bits = __builtin_bswap32(bits);
        memcpy(out + i, &bits, sizeof bits);
    }
#endif
    for (int64_t i = 0; i < count; ++i)
        if (!isfinite(out[i]))
            return mds_fail(MDS_ERR_CONFIG, "%s: number %lld is not finite", path, (long long)i);
    return MDS_OK;
}

/* Uniform on (−1, 1) from a counter (the finaliser of splitmix64, S. Vigna). */
static float made_up(uint64_t seed, uint64_t counter)
{
    uint64_t x = seed * UINT64_C(0x9E3779B97F4A7C15) + counter;

    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    x ^= x >> 31;
    return (float)((double)(x >> 11) * 0x1p-52 - 1.0);
}

/* Of the size that keeps activations near one, so that time and rounding are as with real ones. */
static void make_up(const ani_weights *w, int member, int element, int layer, float *weight,
                    float *bias)
{
    const ani_layer *shape = &w->net[member][element].layer[layer];
    const uint64_t id = (uint64_t)((member * ANI_ELEMENTS_MAX + element) * ANI_LAYERS_MAX + layer);
    const float size = sqrtf(layer ? 3.0f / (float)shape->in : 0.1f);

    for (int64_t i = 0; i < (int64_t)shape->in * shape->out; ++i)
        weight[i] = size * made_up(w->seed, id << 32 | (uint64_t)i);
    for (int i = 0; i < shape->out; ++i)
        bias[i] = 0.1f * made_up(w->seed, id << 32 | UINT64_C(1) << 31 | (uint64_t)i);
}

mds_status ani_weights_read(const ani_weights *w, int member, int element, int layer, float *weight,
                            float *bias)
{
    const ani_layer *shape = &w->net[member][element].layer[layer];
    char path[FILE_PATH_SIZE];

    if (w->seed) {
        make_up(w, member, element, layer, weight, bias);
        return MDS_OK;
    }
    if (w->file)
        return ani_h5_read(w, member, element, layer, weight, bias);
    path_of(w, member, shape->weight_file, path);
    mds_status status = read_numbers(path, (int64_t)shape->in * shape->out, weight);
    if (status != MDS_OK)
        return status;
    path_of(w, member, shape->bias_file, path);
    return read_numbers(path, shape->out, bias);
}
