/* Private to config/: options of plug-ins as entries of the sections systems, protocols and models
 * give them, by value and checked with the plug-in's own table. */
#ifndef MDS_CONFIG_OPTIONS_H
#define MDS_CONFIG_OPTIONS_H

#include "config/reader.h"

typedef struct mds_config_option {
    const char *key; /* the setting's name, borrowed */
    bool is_text;
    double number;
    char text[MDS_OPTION_TEXT_SIZE];
} mds_config_option;

/* `text` relative to the configuration's folder when there is such a file, else as it is; made
 * absolute, so that the resolved configuration loads from anywhere. Returns out. */
const char *mds_config_locate(const mds_config_reader *reader, const config_setting_t *setting,
                              const char *text, char *out, size_t size);
/* The text of a member, or NULL (reported when it is there and no text). */
const char *mds_config_member_text(mds_config_reader *reader, const config_setting_t *group,
                                   const char *name);

/* A setting's name and value; false after reporting. */
bool mds_config_read_value(mds_config_reader *reader, const config_setting_t *setting,
                           mds_config_option *out);
mds_status mds_config_apply(mds_options *options, const mds_config_option *value);
/* A file that the option names is looked for beside the configuration first. */
void mds_config_locate_value(const mds_config_reader *reader, const config_setting_t *setting,
                             const mds_options *options, mds_config_option *value);
/* Reports mds_error() as a mistake in an option of `what` ("model") called `name`. */
void mds_config_report_option(mds_config_reader *reader, const config_setting_t *setting,
                              const char *what, const char *name);
bool mds_config_is_skipped(const char *name, const char *const skip[3]);
/* All members of the group but `skip` as options of one table; false after reporting. */
bool mds_config_read_options(mds_config_reader *reader, const config_setting_t *group,
                             const char *what, const char *const skip[3], mds_options *options);

/* models.c: an entry of the section models; false after reporting. */
bool mds_config_read_model(mds_config_reader *reader, const config_setting_t *group,
                           mds_study_model *out);

#endif
