/* Passwords that are made up for a person to type. */
#ifndef SRC_BASE_PASSWORD_H
#define SRC_BASE_PASSWORD_H

#define PASSWORD_LEN 8 /* characters: VNC knows no more */

/* Lower case letters and digits that are not taken for one another. */
void password_make(char out[PASSWORD_LEN + 1]);

#endif
