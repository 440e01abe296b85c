/* argv to a subcommand; the only place that returns an exit code to the system. */
#include "cli/commands.h"

int main(int argc, char **argv)
{
    return mds_cli_main(argc, argv);
}
