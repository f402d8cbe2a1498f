# limit: 3600
# Debian's installer, unattended, installs from a CD under SeaBIOS, and the disk boots what it has installed.
. tests/lib.sh
. tests/lib_debian.sh

install_debian BIOS
