# limit: 1500
# test_faults at each system call, of which `make check` tries every fourth where guests start.
. tests/lib.sh

export FAULTS_ALL=1 CK_DEFAULT_TIMEOUT=600
for row in start stop "the keeper" release install; do
	ok "$row: killed or refused at any system call, nothing is left" env FAULTS="$row" timeout 290 "$O/tests/test_faults"
done
