/* The contents of a results file, written by one process with the serial driver: every group,
 * column and pool that the run will ever need. */
#include "store/build.h"
#include "store/h5.h"
#include "store/image.h"
#include "store/layout.h"
#include "store/sources.h"
#include "store/trajectory.h"

#include <hdf5_hl.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Parts of the file under construction. The first HDF5 call that fails sets `failed`; the rest then
 * does nothing, so that one check at the end suffices. */
typedef struct creation {
    hid_t file;
    const char *path;
    herr_t failed;
    bool no_memory; /* of our own, HDF5 knows nothing of it */
} creation;

static void note(creation *c, herr_t result)
{
    if (result < 0 && c->failed >= 0) {
        c->failed = -1; /* the words now: the next call of the library clears them */
        (void)mds_h5_fail(c->path, "cannot be built");
    }
}

static void run_out(creation *c)
{
    c->no_memory = true;
    c->failed = -1;
}

static hid_t make_group(creation *c, hid_t parent, const char *name)
{
    const hid_t group = H5Gcreate2(parent, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);

    note(c, group < 0 ? -1 : 0);
    return group;
}

/* Early allocation: a parallel writer must find every block in place. Fill at allocation for the
 * small columns (absent means NaN or ""), never for the pools (readers go by the *_done columns).
 */
static hid_t creation_list(bool fill, hid_t type, const void *value)
{
    const hid_t list = H5Pcreate(H5P_DATASET_CREATE);

    H5Pset_layout(list, H5D_CONTIGUOUS);
    H5Pset_alloc_time(list, H5D_ALLOC_TIME_EARLY);
    H5Pset_fill_time(list, fill ? H5D_FILL_TIME_ALLOC : H5D_FILL_TIME_NEVER);
    H5Pset_obj_track_times(list, 0);
    if (fill && value)
        H5Pset_fill_value(list, type, value);
    return list;
}

typedef struct dataset_spec {
    const char *name, *unit, *long_name;
    hid_t type;       /* borrowed */
    const void *fill; /* NULL: zero */
    bool pool;
    hsize_t rows;
    bool scalar;
    hid_t scale;      /* dimension scale to attach, or < 0 */
    const void *data; /* written at once, or NULL */
} dataset_spec;

static hid_t make_dataset(creation *c, hid_t parent, const dataset_spec *spec)
{
    const hid_t space = spec->scalar ? H5Screate(H5S_SCALAR)
                                     : H5Screate_simple(1, &spec->rows, NULL);
    const hid_t list = creation_list(!spec->pool, spec->type, spec->fill);
    const hid_t set =
        H5Dcreate2(parent, spec->name, spec->type, space, H5P_DEFAULT, list, H5P_DEFAULT);

    note(c, set < 0 ? -1 : 0);
    if (set >= 0) {
        note(c, mds_h5_text_attribute(set, "units", spec->unit));
        note(c, mds_h5_text_attribute(set, "long_name", spec->long_name));
        if (spec->scale >= 0)
            note(c, H5DSattach_scale(set, spec->scale, 0));
        if (spec->data && (spec->scalar || spec->rows > 0))
            note(c, H5Dwrite(set, spec->type, H5S_ALL, H5S_ALL, H5P_DEFAULT, spec->data));
    }
    H5Pclose(list);
    H5Sclose(space);
    return set;
}

static void add_dataset(creation *c, hid_t parent, const dataset_spec *spec)
{
    const hid_t set = make_dataset(c, parent, spec);

    if (set >= 0)
        note(c, H5Dclose(set));
}

/* A dimension without a variable, as netCDF-4 writes it: no storage, only a name and a length. */
static hid_t make_dimension(creation *c, hid_t parent, const char *name, hsize_t rows)
{
    char text[64];
    const hid_t space = H5Screate_simple(1, &rows, NULL);
    const hid_t set =
        H5Dcreate2(parent, name, H5T_IEEE_F32BE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);

    H5Sclose(space);
    note(c, set < 0 ? -1 : 0);
    if (set < 0)
        return set;
    snprintf(text, sizeof text, "This is a netCDF dimension but not a netCDF variable.%10lld",
             (long long)rows);
    note(c, H5DSset_scale(set, text));
    note(c, mds_h5_text_attribute(set, "units", "1"));
    note(c, mds_h5_text_attribute(set, "long_name", "dimension without coordinates"));
    return set;
}

static void write_root(creation *c)
{
    char now[40];
    const time_t t = time(NULL);
    struct tm utc;

    gmtime_r(&t, &utc);
    strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", &utc);
    note(c, mds_h5_text_attribute(c->file, "schema_name", MDS_SCHEMA_NAME));
    note(c, mds_h5_text_attribute(c->file, "schema_version", MDS_SCHEMA_VERSION));
    note(c, mds_h5_text_attribute(c->file, "Conventions", "CF-1.10"));
    note(c, mds_h5_text_attribute(c->file, "creator", "mdsweep " MDS_VERSION));
    note(c, mds_h5_text_attribute(c->file, "created", now));
}

static void write_number(creation *c, hid_t parent, const char *name, double value,
                         const char *unit, const char *long_name)
{
    add_dataset(c, parent,
                &(dataset_spec){.name = name,
                                .unit = unit,
                                .long_name = long_name,

                                .scalar = true,
                                .type = H5T_IEEE_F64LE,
                                .scale = -1,
                                .data = &value});
}

static void write_config(creation *c, const mds_study *study)
{
    const hid_t group = make_group(c, c->file, "config");
    const hid_t targets = make_group(c, group, "targets");

    note(c, mds_h5_text_dataset(group, "name", study->name, "name of the study"));
    note(c, mds_h5_text_dataset(group, "given", study->text ? study->text : "",
                                "configuration as given (libconfig)"));
    note(c, mds_h5_text_dataset(group, "resolved", study->resolved ? study->resolved : "",
                                "configuration as resolved (libconfig)"));
    for (int i = 0; i < mds_target_count(); ++i) {
        const mds_target_info *target = mds_target_get(i);

        write_number(c, targets, target->key, mds_target_value(&study->targets, i), target->unit,
                     target->long_name);
    }
    write_number(c, targets, "leak_tolerance_MB", study->run.leak_tolerance_MB, "MB",
                 "growth of memory that counts as a leak");
    H5Gclose(targets);
    H5Gclose(group);
}

static void write_rank_texts(creation *c, hid_t group, const mds_provenance *p, const char *name,
                             size_t offset, size_t size, const char *long_name)
{
    const hid_t type = mds_h5_column_type(MDS_COLUMN_TEXT, size);
    char *cells = calloc((size_t)p->rank_count, size);

    if (!cells) {
        run_out(c);
    } else {
        for (int r = 0; r < p->rank_count; ++r)
            memcpy(cells + (size_t)r * size, (const char *)&p->ranks[r] + offset, size);
        add_dataset(c, group,
                    &(dataset_spec){.name = name,
                                    .unit = "1",
                                    .long_name = long_name,
                                    .rows = (hsize_t)p->rank_count,
                                    .type = type,
                                    .scale = -1,
                                    .data = cells});
        free(cells);
    }
    H5Tclose(type);
}

static void write_rank_numbers(creation *c, hid_t group, const mds_provenance *p, const char *name,
                               size_t offset, const char *long_name)
{
    int64_t *cells = calloc((size_t)p->rank_count, sizeof *cells);

    if (!cells) {
        run_out(c);
        return;
    }
    for (int r = 0; r < p->rank_count; ++r)
        memcpy(&cells[r], (const char *)&p->ranks[r] + offset, sizeof *cells);
    add_dataset(c, group,
                &(dataset_spec){.name = name,
                                .unit = "1",
                                .long_name = long_name,
                                .rows = (hsize_t)p->rank_count,
                                .type = H5T_STD_I64LE,
                                .scale = -1,
                                .data = cells});
    free(cells);
}

static void write_provenance(creation *c, const mds_provenance *p)
{
    const hid_t group = make_group(c, c->file, "provenance");
    const hid_t ranks = make_group(c, group, "ranks");
    static const struct {
        const char *name, *long_name;
        size_t offset, size;
    } text[] = {
        {"host", "host of the rank", offsetof(mds_rank_info, host), 64},
        {"device", "device of the rank", offsetof(mds_rank_info, device), 64},
        {"device_model", "model of that device", offsetof(mds_rank_info, device_model), 96},
        {"device_uuid", "unique id of that device", offsetof(mds_rank_info, device_uuid), 64},
        {"cpus", "CPU affinity of the rank", offsetof(mds_rank_info, cpus), 128},
        {"device_pci", "PCI address of a GPU", offsetof(mds_rank_info, pci), 32},
        {"device_cpus", "CPUs near a GPU", offsetof(mds_rank_info, near_cpus), 128},
        {"device_allocator", "memory of a GPU is from", offsetof(mds_rank_info, allocator), 16},
        {"device_sharing", "who else uses a GPU", offsetof(mds_rank_info, sharing), 64},
        {"driver", "GPU driver", offsetof(mds_rank_info, driver), 96},
    };
    static const struct {
        const char *name, *long_name;
        size_t offset;
    } numbers[] = {
        {"pid", "process id of the rank", offsetof(mds_rank_info, pid)},
        {"local_rank", "rank among those of its host", offsetof(mds_rank_info, local_rank)},
        {"device_numa_node", "NUMA node of a GPU, or -1", offsetof(mds_rank_info, numa_node)},
        {"device_memory_bytes", "bytes of a GPU, or -1", offsetof(mds_rank_info, memory_bytes)},
        {"device_clock_MHz", "highest clock of a GPU, or -1", offsetof(mds_rank_info, clock_MHz)},
    };

    for (int i = 0; i < p->fact_count; ++i)
        note(c,
             mds_h5_text_dataset(group, p->facts[i].name, p->facts[i].text ? p->facts[i].text : "",
                                 p->facts[i].long_name ? p->facts[i].long_name : p->facts[i].name));
    for (size_t i = 0; i < sizeof text / sizeof text[0]; ++i)
        write_rank_texts(c, ranks, p, text[i].name, text[i].offset, text[i].size,
                         text[i].long_name);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; ++i)
        write_rank_numbers(c, ranks, p, numbers[i].name, numbers[i].offset, numbers[i].long_name);
    H5Gclose(ranks);
    H5Gclose(group);
}

/* One column of /cases, filled with what the plan knows. */
static void write_column(creation *c, hid_t group, hid_t scale, const mds_column *column,
                         const mds_row *rows, int count)
{
    const double nan_value = NAN;
    const hid_t type = mds_h5_column_type(column->type, column->size);
    char *cells = calloc((size_t)count, column->size);

    if (!cells) {
        run_out(c);
    } else {
        for (int i = 0; i < count; ++i)
            memcpy(cells + (size_t)i * column->size, (const char *)&rows[i] + column->offset,
                   column->size);
        const hid_t set =
            make_dataset(c, group,
                         &(dataset_spec){.name = column->name,
                                         .unit = column->unit,
                                         .long_name = column->long_name,
                                         .rows = (hsize_t)count,
                                         .type = type,
                                         .fill = column->type == MDS_COLUMN_F8 ? &nan_value : NULL,
                                         .scale = scale,
                                         .data = cells});
        if (set >= 0 && column->phase == MDS_COLUMN_STATUS) {
            const uint8_t values[] = {0, 1, 2, 3, 4};
            const hsize_t n = MDS_CASE_STATUS_COUNT;
            const hid_t space = H5Screate_simple(1, &n, NULL);
            const hid_t flags =
                H5Acreate2(set, "flag_values", H5T_STD_U8LE, space, H5P_DEFAULT, H5P_DEFAULT);

            note(c, flags < 0 ? -1 : H5Awrite(flags, H5T_NATIVE_UINT8, values));
            H5Aclose(flags);
            H5Sclose(space);
            note(c, mds_h5_text_attribute(set, "flag_meanings",
                                          "PENDING RUNNING DONE FAILED SKIPPED"));
        }
        if (set >= 0)
            note(c, H5Dclose(set));
        free(cells);
    }
    H5Tclose(type);
}

static void write_cases(creation *c, const mds_row *rows, int count)
{
    const hid_t group = make_group(c, c->file, "cases");
    int64_t *numbers = calloc((size_t)count, sizeof *numbers);

    if (!numbers) {
        run_out(c);
        return;
    }
    for (int i = 0; i < count; ++i)
        numbers[i] = i;
    const hid_t scale = make_dataset(c, group,
                                     &(dataset_spec){.name = "case",
                                                     .unit = "1",
                                                     .long_name = "number of the case",
                                                     .rows = (hsize_t)count,
                                                     .type = H5T_STD_I64LE,
                                                     .scale = -1,
                                                     .data = numbers});
    note(c, H5DSset_scale(scale, "case"));
    for (int i = 0; i < mds_column_count() && c->failed >= 0; ++i) {
        mds_column column;

        mds_column_get(i, &column);
        write_column(c, group, scale, &column, rows, count);
    }
    free(numbers);
    H5Dclose(scale);
    H5Gclose(group);
}

static void write_pools(creation *c, const mds_row *rows, int count)
{
    static const char *const dimension[MDS_POOL_COUNT] = {"step", "component_row", "memory_row",
                                                          "telemetry_row"};

    for (int pool = 0; pool < MDS_POOL_COUNT; ++pool) {
        const hid_t group = make_group(c, c->file, mds_pool_name((mds_pool)pool));
        const mds_row *last = &rows[count - 1];
        const hsize_t total = (hsize_t)(last->start[pool] + last->count[pool]);
        const int columns = mds_pool_column_count((mds_pool)pool);

        if (columns > 0) {
            const hid_t scale = make_dimension(c, group, dimension[pool], total);
            for (int i = 0; i < columns && c->failed >= 0; ++i) {
                const mds_series *series = mds_pool_column((mds_pool)pool, i);

                add_dataset(c, group,
                            &(dataset_spec){.name = series->key,
                                            .unit = series->unit,
                                            .long_name = series->long_name,
                                            .rows = total,
                                            .type = mds_h5_cell_type(series->type),
                                            .pool = true,
                                            .scale = scale});
            }
            H5Dclose(scale);
        }
        H5Gclose(group);
    }
}

static void write_trajectories(creation *c, const mds_row *rows, int count)
{
    hid_t group = -1;

    for (int i = 0; i < count && c->failed >= 0; ++i) {
        if (rows[i].frame_count == 0)
            continue;
        if (group < 0)
            group = make_group(c, c->file, "trajectories");
        note(c, mds_trajectory_create(group, &rows[i]));
    }
    if (group >= 0)
        H5Gclose(group);
}

static void write_summary_table(creation *c, hid_t parent, const mds_summary_layout *table)
{
    const hid_t group = make_group(c, parent, table->name);
    const double nan_value = NAN;

    for (int i = 0; i < table->column_count && c->failed >= 0; ++i) {
        const mds_summary_column *column = &table->columns[i];
        const hid_t type = mds_h5_column_type(column->width ? MDS_COLUMN_TEXT : MDS_COLUMN_F8,
                                              (size_t)column->width);

        add_dataset(c, group,
                    &(dataset_spec){.name = column->name,
                                    .unit = column->unit,
                                    .long_name = column->long_name,
                                    .rows = (hsize_t)table->rows,
                                    .type = type,
                                    .fill = column->width ? NULL : &nan_value,
                                    .scale = -1});
        H5Tclose(type);
    }
    add_dataset(c, group,
                &(dataset_spec){.name = "valid",
                                .unit = "1",
                                .long_name = "1 for the rows that were filled",
                                .rows = (hsize_t)table->rows,
                                .type = H5T_STD_U8LE,
                                .scale = -1});
    H5Gclose(group);
}

/* A row per launch of the program on this file: a resumed run adds one. */
static void write_runs(creation *c)
{
    enum { COMMAND = 256 };
    static const mds_summary_column columns[] = {
        {"t_start", 0, "s", "start of the launch, seconds since 1970 (UTC)"},
        {"ranks", 0, "1", "ranks of the launch"},
        {"command", COMMAND, "1", "command line of the launch"},
    };
    const mds_summary_layout table = {.name = "runs",
                                      .columns = columns,
                                      .column_count = sizeof columns / sizeof columns[0],
                                      .rows = MDS_RUNS_MAX};
    const hid_t group = H5Gopen2(c->file, "provenance", H5P_DEFAULT);

    write_summary_table(c, group, &table);
    H5Gclose(group);
}

static void write_summary(creation *c, const mds_provenance *p, const mds_summary_layout *tables,
                          int count)
{
    const hid_t group = make_group(c, c->file, "summary");

    write_number(c, group, "t_start", NAN, "s", "start of the run, seconds since 1970 (UTC)");
    write_number(c, group, "t_end", NAN, "s", "end of the run, seconds since 1970 (UTC)");
    write_number(c, group, "ranks", p->rank_count, "1", "ranks of the run");
    for (int i = 0; i < count; ++i)
        write_summary_table(c, group, &tables[i]);
    H5Gclose(group);
}

static mds_status write_contents(const char *name, const char *path, const mds_store_plan *plan,
                                 const mds_row *rows, int count)
{
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    creation c = {.file = -1, .path = path};
    mds_status status = MDS_OK;

    mds_h5_quiet();
    H5Eclear2(H5E_DEFAULT);
    H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18);
    H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
    /* Not the default driver, which asks for the real path of /proc/self/fd/N. */
    H5Pset_fapl_stdio(access);
    c.file = H5Fcreate(name, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    if (c.file < 0)
        status = mds_h5_fail(path, "cannot be created");
    H5Pclose(access);
    if (c.file < 0)
        return status;
    write_root(&c);
    write_config(&c, plan->study);
    write_provenance(&c, &plan->provenance);
    write_runs(&c);
    if (c.failed >= 0 && mds_sources_write(c.file, path, plan) != MDS_OK)
        c.failed = -1;
    write_cases(&c, rows, count);
    write_pools(&c, rows, count);
    write_trajectories(&c, rows, count);
    write_summary(&c, &plan->provenance, plan->tables, plan->table_count);
    if (c.no_memory)
        status = mds_fail(MDS_ERR_NOMEM, "no memory to build %s", path);
    else if (c.failed < 0)
        status = MDS_ERR_IO;
    if (H5Fclose(c.file) < 0 && status == MDS_OK)
        status = mds_h5_fail(path, "cannot be built");
    return status;
}

mds_status mds_store_build(const char *temporary, const char *path, const mds_store_plan *plan,
                           const mds_row *rows, int count)
{
    mds_image image = {.fd = -1};
    mds_status status = MDS_OK;

    MDS_TRY(mds_image_create(&image));
    MDS_TRY(write_contents(image.name, path, plan, rows, count));
    MDS_TRY(mds_image_write(&image, temporary, path));
out:
    mds_image_fini(&image);
    return status;
}
