/* Private to config/: the state of one reading of a configuration, and typed reads that report what
 * is wrong. Nothing here stops at the first problem. */
#ifndef MDS_CONFIG_READER_H
#define MDS_CONFIG_READER_H

#include "case/study_keys.h"
#include "config/config.h"

#include <libconfig.h>

enum { MDS_CONFIG_AXIS_MAX = 4096, MDS_CONFIG_WORDS_MAX = 512 };

/* An entry of the sections systems, protocols, models. */
typedef struct mds_config_definitions {
    int count;
    mds_system_spec *systems;
    mds_protocol_spec *protocols;
    mds_study_model *models; /* only the one of the section is set */
    bool *bad;               /* (count) reported already: later uses are not reported again */
} mds_config_definitions;

typedef struct mds_config_reader {
    config_t tree;
    const char *path;
    char folder[MDS_PATH_SIZE]; /* of `path`, with its '/'; "" for the working folder */
    mds_problems *problems;
    mds_study *study;
    mds_config_definitions systems, protocols, models;
    char (*written)[MDS_PATH_SIZE]; /* (study->system_count) as the axis names them */
    char **origins;                 /* texts that settings' hooks point to: "--set run.steps=5" */
    int origin_count;
    uint32_t forced; /* run fields set by command line or environment: they beat `overrides` too */
    int large_count; /* the first problems, about integers that libconfig cuts */
    bool nomem;
} mds_config_reader;

/* Where a setting comes from if not from a file, else NULL. */
const char *mds_config_origin(const config_setting_t *setting);
/* Reports at the place of `setting` (never NULL). */
void mds_config_problem(mds_config_reader *reader, const config_setting_t *setting,
                        const char *format, ...) __attribute__((format(printf, 3, 4)));
/* calloc that marks the reader when there is no memory; count 0 gives one element. */
void *mds_config_alloc(mds_config_reader *reader, int count, size_t size);

/* The path of a file that libconfig names: an included one, or (NULL) the configuration itself. */
const char *mds_config_file(const mds_config_reader *reader, const char *included, char *out,
                            size_t size);

/* source.c: the file's text into the tree, what libconfig does not notice, and syntax errors. */
mds_status mds_config_parse(mds_config_reader *reader, const char *text);
/* Line of a quote that is never closed; 0 when there is none. */
int mds_config_open_quote(const char *text);
/* Reports decimal integers that libconfig would cut to 32 bits; true when there was one. */
bool mds_config_check_integers(mds_problems *problems, const char *text, const char *file,
                               const char *origin);

/* overlay.c: environment and command line put over the tree. */
void mds_config_overlay(mds_config_reader *reader, const mds_config_overrides *overrides);

/* fields.c */
/* A scalar into the field; true when it was right. */
bool mds_config_read_field(mds_config_reader *reader, const config_setting_t *setting,
                           const mds_field *field, void *object);
/* Every member of `group` that the table knows into `object`; members named in `others` (NULL or
 * NULL-terminated) are left alone; the rest is unknown. `given` (or NULL) gets the fields' bits. */
void mds_config_read_group(mds_config_reader *reader, const config_setting_t *group,
                           const mds_field *table, const char *const *others, void *object,
                           uint32_t *given);
/* "unknown key 'x' in run, did you mean 'y'?" */
void mds_config_unknown_key(mds_config_reader *reader, const config_setting_t *setting,
                            const char *where, const char *const *words, int count);
/* "unknown model 'x', did you mean 'y'?", or the words there are. */
void mds_config_unknown_word(mds_config_reader *reader, const config_setting_t *setting,
                             const char *what, const char *word, const char *const *words,
                             int count);
/* The member, checked to be a group (section) or NULL; reports another type. */
config_setting_t *mds_config_section(mds_config_reader *reader, const char *name);
/* The settings of a list of scalars; a scalar counts as a list of one. Returns the count; reports
 * an empty list and one longer than `max` (then 0). */
int mds_config_elements(mds_config_reader *reader, const config_setting_t *setting,
                        const config_setting_t **out, int max);
/* The text of an element, or NULL after reporting. */
const char *mds_config_text(mds_config_reader *reader, const config_setting_t *setting,
                            const char *what);

/* definitions.c: the sections systems, protocols, models; and what names mean. */
void mds_config_read_definitions(mds_config_reader *reader);
/* Index of a definition called `name`, or -1. */
int mds_config_find_system(const mds_config_reader *reader, const char *name);
int mds_config_find_protocol(const mds_config_reader *reader, const char *name);
int mds_config_find_model(const mds_config_reader *reader, const char *name);
/* All words of a kind: definitions, then built-in names. Returns the count, at most max. */
int mds_config_system_words(const mds_config_reader *reader, const char **words, int max);
int mds_config_protocol_words(const mds_config_reader *reader, const char **words, int max);
int mds_config_model_words(const mds_config_reader *reader, const char **words, int max);
bool mds_config_is_path(const char *name); /* has a '/', or ends in .xyz or .extxyz */
/* A system from a file, named `name`; false after reporting at `setting`. */
bool mds_config_file_system(mds_config_reader *reader, const config_setting_t *setting,
                            const char *name, const char *file, mds_system_spec *out);
/* Its elements can be known, so its file is whole; false after reporting. */
bool mds_config_check_system(mds_config_reader *reader, const config_setting_t *setting,
                             const mds_system_spec *spec);

/* axes.c: sweep.systems, sizes, protocols, models. */
void mds_config_read_axes(mds_config_reader *reader, const config_setting_t *sweep);

/* rules.c: sweep.exclude and overrides. */
void mds_config_read_exclude(mds_config_reader *reader, const config_setting_t *sweep);
void mds_config_read_overrides(mds_config_reader *reader);

/* resolved.c: libconfig text that loads to the same study again; NULL without memory. */
char *mds_config_resolved(const mds_study *study);

#endif
