/*
 * What libcap says: reads texts from standard input, each ended by a NUL, and prints a line for each.
 *
 *   peer state   effective inheritable permitted cap_to_text   of cap_from_text(3), or -
 *   peer iab     inheritable ambient blocked cap_iab_to_text   of cap_iab_from_text(3), or -
 *   peer mask    what strtoull(3), which `capsh --decode` uses, reads, or - if that is not all of it
 *
 * The first line is how many capabilities the kernel has.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>

static unsigned long long flag(cap_t state, cap_flag_t which)
{
	unsigned long long set = 0;
	for (int n = 0; n < 64; n++) {
		cap_flag_value_t value = CAP_CLEAR;
		if (cap_get_flag(state, n, which, &value) != 0)
			exit(3);
		set |= (unsigned long long)(value == CAP_SET) << n;
	}
	return set;
}

static unsigned long long vector(cap_iab_t iab, cap_iab_vector_t which)
{
	unsigned long long set = 0;
	for (int n = 0; n < cap_max_bits(); n++)
		set |= (unsigned long long)(cap_iab_get_vector(iab, which, n) == CAP_SET) << n;
	return set;
}

static void state(const char *text)
{
	cap_t read = cap_from_text(text);
	if (!read) {
		puts("-");
		return;
	}
	char *written = cap_to_text(read, NULL);
	printf("%llx %llx %llx %s\n", flag(read, CAP_EFFECTIVE), flag(read, CAP_INHERITABLE),
	       flag(read, CAP_PERMITTED), written);
	cap_free(written);
	cap_free(read);
}

static void iab(const char *text)
{
	cap_iab_t read = cap_iab_from_text(text);
	if (!read) {
		puts("-");
		return;
	}
	char *written = cap_iab_to_text(read);
	printf("%llx %llx %llx %s\n", vector(read, CAP_IAB_INH), vector(read, CAP_IAB_AMB),
	       vector(read, CAP_IAB_BOUND), written);
	cap_free(written);
	cap_free(read);
}

static void mask(const char *text)
{
	char *end;
	errno = 0;
	unsigned long long set = strtoull(text, &end, 16);
	if (end != text && *end == '\0' && errno == 0)
		printf("%llx\n", set);
	else
		puts("-");
}

int main(int count, char **words)
{
	const char *form = count == 2 ? words[1] : "";
	char *text = NULL;
	size_t room = 0;
	printf("%d\n", cap_max_bits());
	while (getdelim(&text, &room, '\0', stdin) > 0) {
		if (strcmp(form, "state") == 0)
			state(text);
		else if (strcmp(form, "iab") == 0)
			iab(text);
		else if (strcmp(form, "mask") == 0)
			mask(text);
		else
			return 2;
	}
	free(text);
	return 0;
}
