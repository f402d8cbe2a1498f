/* The table of keys, and the ways into it. */
#include "src/proto/keycode.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "src/base/cleanup.h"

#define PREFIX "KEY_"
#define NO_OSX 0xff
#define SYSRQ 99
#define PAUSE 119

struct key {
	uint8_t code;        /* KEY_* of linux/input-event-codes.h */
	const char *name;    /* "KEY_ESC" */
	const char *qcode;   /* QEMU's name */
	uint8_t xt;          /* set 1; 0x80: behind E0 */
	uint16_t set2;       /* 0xe0xx: behind E0 */
	uint8_t set3, osx, win32, usb;
	uint32_t sym, sym2;  /* X keysyms: alone; with Shift, or the other of two (keypad) */
	const char *win32_name; /* behind "VK_" */
	const char *osx_name;
};

/* Sorted by code; 0 and NULL: none. */
/* clang-format off */
static const struct key keys[] = {
	/* code, name, qcode, xt, set 2, set 3, OS X, win32, USB, keysyms, win32 and OS X names */
	{1, "KEY_ESC", "esc", 0x01, 0x76, 0x08, 0x35, 0x1b, 0x29, 0xff1b, 0, "ESCAPE", "Escape"},
	{2, "KEY_1", "1", 0x02, 0x16, 0x16, 0x12, 0x31, 0x1e, 0x31, 0x21, "1", "ANSI_1"},
	{3, "KEY_2", "2", 0x03, 0x1e, 0x1e, 0x13, 0x32, 0x1f, 0x32, 0x40, "2", "ANSI_2"},
	{4, "KEY_3", "3", 0x04, 0x26, 0x26, 0x14, 0x33, 0x20, 0x33, 0x23, "3", "ANSI_3"},
	{5, "KEY_4", "4", 0x05, 0x25, 0x25, 0x15, 0x34, 0x21, 0x34, 0x24, "4", "ANSI_4"},
	{6, "KEY_5", "5", 0x06, 0x2e, 0x2e, 0x17, 0x35, 0x22, 0x35, 0x25, "5", "ANSI_5"},
	{7, "KEY_6", "6", 0x07, 0x36, 0x36, 0x16, 0x36, 0x23, 0x36, 0x5e, "6", "ANSI_6"},
	{8, "KEY_7", "7", 0x08, 0x3d, 0x3d, 0x1a, 0x37, 0x24, 0x37, 0x26, "7", "ANSI_7"},
	{9, "KEY_8", "8", 0x09, 0x3e, 0x3e, 0x1c, 0x38, 0x25, 0x38, 0x2a, "8", "ANSI_8"},
	{10, "KEY_9", "9", 0x0a, 0x46, 0x46, 0x19, 0x39, 0x26, 0x39, 0x28, "9", "ANSI_9"},
	{11, "KEY_0", "0", 0x0b, 0x45, 0x45, 0x1d, 0x30, 0x27, 0x30, 0x29, "0", "ANSI_0"},
	{12, "KEY_MINUS", "minus", 0x0c, 0x4e, 0x4e, 0x1b, 0xbd, 0x2d, 0x2d, 0x5f, "OEM_MINUS", "ANSI_Minus"},
	{13, "KEY_EQUAL", "equal", 0x0d, 0x55, 0x55, 0x18, 0xbb, 0x2e, 0x3d, 0x2b, "OEM_PLUS", "ANSI_Equal"},
	{14, "KEY_BACKSPACE", "backspace", 0x0e, 0x66, 0x66, 0x33, 0x08, 0x2a, 0xff08, 0, "BACK", "Delete"},
	{15, "KEY_TAB", "tab", 0x0f, 0x0d, 0x0d, 0x30, 0x09, 0x2b, 0xff09, 0xfe20, "TAB", "Tab"},
	{16, "KEY_Q", "q", 0x10, 0x15, 0x15, 0x0c, 0x51, 0x14, 0x71, 0x51, "Q", "ANSI_Q"},
	{17, "KEY_W", "w", 0x11, 0x1d, 0x1d, 0x0d, 0x57, 0x1a, 0x77, 0x57, "W", "ANSI_W"},
	{18, "KEY_E", "e", 0x12, 0x24, 0x24, 0x0e, 0x45, 0x08, 0x65, 0x45, "E", "ANSI_E"},
	{19, "KEY_R", "r", 0x13, 0x2d, 0x2d, 0x0f, 0x52, 0x15, 0x72, 0x52, "R", "ANSI_R"},
	{20, "KEY_T", "t", 0x14, 0x2c, 0x2c, 0x11, 0x54, 0x17, 0x74, 0x54, "T", "ANSI_T"},
	{21, "KEY_Y", "y", 0x15, 0x35, 0x35, 0x10, 0x59, 0x1c, 0x79, 0x59, "Y", "ANSI_Y"},
	{22, "KEY_U", "u", 0x16, 0x3c, 0x3c, 0x20, 0x55, 0x18, 0x75, 0x55, "U", "ANSI_U"},
	{23, "KEY_I", "i", 0x17, 0x43, 0x43, 0x22, 0x49, 0x0c, 0x69, 0x49, "I", "ANSI_I"},
	{24, "KEY_O", "o", 0x18, 0x44, 0x44, 0x1f, 0x4f, 0x12, 0x6f, 0x4f, "O", "ANSI_O"},
	{25, "KEY_P", "p", 0x19, 0x4d, 0x4d, 0x23, 0x50, 0x13, 0x70, 0x50, "P", "ANSI_P"},
	{26, "KEY_LEFTBRACE", "bracket_left", 0x1a, 0x54, 0x54, 0x21, 0xdb, 0x2f, 0x5b, 0x7b, "OEM_4", "ANSI_LeftBracket"},
	{27, "KEY_RIGHTBRACE", "bracket_right", 0x1b, 0x5b, 0x5b, 0x1e, 0xdd, 0x30, 0x5d, 0x7d, "OEM_6", "ANSI_RightBracket"},
	{28, "KEY_ENTER", "ret", 0x1c, 0x5a, 0x5a, 0x24, 0x0d, 0x28, 0xff0d, 0, "RETURN", "Return"},
	{29, "KEY_LEFTCTRL", "ctrl", 0x1d, 0x14, 0x11, 0x3b, 0x11, 0xe0, 0xffe3, 0, "CONTROL", "Control"},
	{30, "KEY_A", "a", 0x1e, 0x1c, 0x1c, 0x00, 0x41, 0x04, 0x61, 0x41, "A", "ANSI_A"},
	{31, "KEY_S", "s", 0x1f, 0x1b, 0x1b, 0x01, 0x53, 0x16, 0x73, 0x53, "S", "ANSI_S"},
	{32, "KEY_D", "d", 0x20, 0x23, 0x23, 0x02, 0x44, 0x07, 0x64, 0x44, "D", "ANSI_D"},
	{33, "KEY_F", "f", 0x21, 0x2b, 0x2b, 0x03, 0x46, 0x09, 0x66, 0x46, "F", "ANSI_F"},
	{34, "KEY_G", "g", 0x22, 0x34, 0x34, 0x05, 0x47, 0x0a, 0x67, 0x47, "G", "ANSI_G"},
	{35, "KEY_H", "h", 0x23, 0x33, 0x33, 0x04, 0x48, 0x0b, 0x68, 0x48, "H", "ANSI_H"},
	{36, "KEY_J", "j", 0x24, 0x3b, 0x3b, 0x26, 0x4a, 0x0d, 0x6a, 0x4a, "J", "ANSI_J"},
	{37, "KEY_K", "k", 0x25, 0x42, 0x42, 0x28, 0x4b, 0x0e, 0x6b, 0x4b, "K", "ANSI_K"},
	{38, "KEY_L", "l", 0x26, 0x4b, 0x4b, 0x25, 0x4c, 0x0f, 0x6c, 0x4c, "L", "ANSI_L"},
	{39, "KEY_SEMICOLON", "semicolon", 0x27, 0x4c, 0x4c, 0x29, 0xba, 0x33, 0x3b, 0x3a, "OEM_1", "ANSI_Semicolon"},
	{40, "KEY_APOSTROPHE", "apostrophe", 0x28, 0x52, 0x52, 0x27, 0xde, 0x34, 0x27, 0x22, "OEM_7", "ANSI_Quote"},
	{41, "KEY_GRAVE", "grave_accent", 0x29, 0x0e, 0x0e, 0x32, 0xc0, 0x35, 0x60, 0x7e, "OEM_3", "ANSI_Grave"},
	{42, "KEY_LEFTSHIFT", "shift", 0x2a, 0x12, 0x12, 0x38, 0xa0, 0xe1, 0xffe1, 0, "LSHIFT", "Shift"},
	{43, "KEY_BACKSLASH", "backslash", 0x2b, 0x5d, 0x5c, 0x2a, 0xdc, 0x32, 0x5c, 0x7c, "OEM_5", "ANSI_Backslash"},
	{44, "KEY_Z", "z", 0x2c, 0x1a, 0x1a, 0x06, 0x5a, 0x1d, 0x7a, 0x5a, "Z", "ANSI_Z"},
	{45, "KEY_X", "x", 0x2d, 0x22, 0x22, 0x07, 0x58, 0x1b, 0x78, 0x58, "X", "ANSI_X"},
	{46, "KEY_C", "c", 0x2e, 0x21, 0x21, 0x08, 0x43, 0x06, 0x63, 0x43, "C", "ANSI_C"},
	{47, "KEY_V", "v", 0x2f, 0x2a, 0x2a, 0x09, 0x56, 0x19, 0x76, 0x56, "V", "ANSI_V"},
	{48, "KEY_B", "b", 0x30, 0x32, 0x32, 0x0b, 0x42, 0x05, 0x62, 0x42, "B", "ANSI_B"},
	{49, "KEY_N", "n", 0x31, 0x31, 0x31, 0x2d, 0x4e, 0x11, 0x6e, 0x4e, "N", "ANSI_N"},
	{50, "KEY_M", "m", 0x32, 0x3a, 0x3a, 0x2e, 0x4d, 0x10, 0x6d, 0x4d, "M", "ANSI_M"},
	{51, "KEY_COMMA", "comma", 0x33, 0x41, 0x41, 0x2b, 0xbc, 0x36, 0x2c, 0x3c, "OEM_COMMA", "ANSI_Comma"},
	{52, "KEY_DOT", "dot", 0x34, 0x49, 0x49, 0x2f, 0xbe, 0x37, 0x2e, 0x3e, "OEM_PERIOD", "ANSI_Period"},
	{53, "KEY_SLASH", "slash", 0x35, 0x4a, 0x4a, 0x2c, 0xbf, 0x38, 0x2f, 0x3f, "OEM_2", "ANSI_Slash"},
	{54, "KEY_RIGHTSHIFT", "shift_r", 0x36, 0x59, 0x59, 0x3c, 0xa1, 0xe5, 0xffe2, 0, "RSHIFT", "RightShift"},
	{55, "KEY_KPASTERISK", "kp_multiply", 0x37, 0x7c, 0x7e, 0x43, 0x6a, 0x55, 0xffaa, 0, "MULTIPLY", "ANSI_KeypadMultiply"},
	{56, "KEY_LEFTALT", "alt", 0x38, 0x11, 0x19, 0x3a, 0x12, 0xe2, 0xffe9, 0xffe7, "MENU", "Option"},
	{57, "KEY_SPACE", "spc", 0x39, 0x29, 0x29, 0x31, 0x20, 0x2c, 0x20, 0, "SPACE", "Space"},
	{58, "KEY_CAPSLOCK", "caps_lock", 0x3a, 0x58, 0x14, 0x39, 0x14, 0x39, 0xffe5, 0, "CAPITAL", "CapsLock"},
	{59, "KEY_F1", "f1", 0x3b, 0x05, 0x07, 0x7a, 0x70, 0x3a, 0xffbe, 0, "F1", "F1"},
	{60, "KEY_F2", "f2", 0x3c, 0x06, 0x0f, 0x78, 0x71, 0x3b, 0xffbf, 0, "F2", "F2"},
	{61, "KEY_F3", "f3", 0x3d, 0x04, 0x17, 0x63, 0x72, 0x3c, 0xffc0, 0, "F3", "F3"},
	{62, "KEY_F4", "f4", 0x3e, 0x0c, 0x1f, 0x76, 0x73, 0x3d, 0xffc1, 0, "F4", "F4"},
	{63, "KEY_F5", "f5", 0x3f, 0x03, 0x27, 0x60, 0x74, 0x3e, 0xffc2, 0, "F5", "F5"},
	{64, "KEY_F6", "f6", 0x40, 0x0b, 0x2f, 0x61, 0x75, 0x3f, 0xffc3, 0, "F6", "F6"},
	{65, "KEY_F7", "f7", 0x41, 0x83, 0x37, 0x62, 0x76, 0x40, 0xffc4, 0, "F7", "F7"},
	{66, "KEY_F8", "f8", 0x42, 0x0a, 0x3f, 0x64, 0x77, 0x41, 0xffc5, 0, "F8", "F8"},
	{67, "KEY_F9", "f9", 0x43, 0x01, 0x47, 0x65, 0x78, 0x42, 0xffc6, 0, "F9", "F9"},
	{68, "KEY_F10", "f10", 0x44, 0x09, 0x4f, 0x6d, 0x79, 0x43, 0xffc7, 0, "F10", "F10"},
	{69, "KEY_NUMLOCK", "num_lock", 0x45, 0x77, 0x76, 0x47, 0x90, 0x53, 0xff7f, 0, "NUMLOCK", "ANSI_KeypadClear"},
	{70, "KEY_SCROLLLOCK", "scroll_lock", 0x46, 0x7e, 0x5f, 0xff, 0x91, 0x47, 0xff14, 0, "SCROLL", NULL},
	{71, "KEY_KP7", "kp_7", 0x47, 0x6c, 0x6c, 0x59, 0x67, 0x5f, 0xffb7, 0xff95, "NUMPAD7", "ANSI_Keypad7"},
	{72, "KEY_KP8", "kp_8", 0x48, 0x75, 0x75, 0x5b, 0x68, 0x60, 0xffb8, 0xff97, "NUMPAD8", "ANSI_Keypad8"},
	{73, "KEY_KP9", "kp_9", 0x49, 0x7d, 0x7d, 0x5c, 0x69, 0x61, 0xffb9, 0xff9a, "NUMPAD9", "ANSI_Keypad9"},
	{74, "KEY_KPMINUS", "kp_subtract", 0x4a, 0x7b, 0x4e, 0x4e, 0x6d, 0x56, 0xffad, 0, "SUBTRACT", "ANSI_KeypadMinus"},
	{75, "KEY_KP4", "kp_4", 0x4b, 0x6b, 0x6b, 0x56, 0x64, 0x5c, 0xffb4, 0xff96, "NUMPAD4", "ANSI_Keypad4"},
	{76, "KEY_KP5", "kp_5", 0x4c, 0x73, 0x73, 0x57, 0x65, 0x5d, 0xffb5, 0xff9d, "NUMPAD5", "ANSI_Keypad5"},
	{77, "KEY_KP6", "kp_6", 0x4d, 0x74, 0x74, 0x58, 0x66, 0x5e, 0xffb6, 0xff98, "NUMPAD6", "ANSI_Keypad6"},
	{78, "KEY_KPPLUS", "kp_add", 0x4e, 0x79, 0x7c, 0x45, 0x6b, 0x57, 0xffab, 0, "ADD", "ANSI_KeypadPlus"},
	{79, "KEY_KP1", "kp_1", 0x4f, 0x69, 0x69, 0x53, 0x61, 0x59, 0xffb1, 0xff9c, "NUMPAD1", "ANSI_Keypad1"},
	{80, "KEY_KP2", "kp_2", 0x50, 0x72, 0x72, 0x54, 0x62, 0x5a, 0xffb2, 0xff99, "NUMPAD2", "ANSI_Keypad2"},
	{81, "KEY_KP3", "kp_3", 0x51, 0x7a, 0x7a, 0x55, 0x63, 0x5b, 0xffb3, 0xff9b, "NUMPAD3", "ANSI_Keypad3"},
	{82, "KEY_KP0", "kp_0", 0x52, 0x70, 0x70, 0x52, 0x60, 0x62, 0xffb0, 0xff9e, "NUMPAD0", "ANSI_Keypad0"},
	{83, "KEY_KPDOT", "kp_decimal", 0x53, 0x71, 0x71, 0x41, 0x6e, 0x63, 0xffae, 0xff9f, "DECIMAL", "ANSI_KeypadDecimal"},
	{85, "KEY_ZENKAKUHANKAKU", NULL, 0x76, 0x5f, 0, 0xff, 0, 0x94, 0xff2a, 0xff28, NULL, NULL},
	{86, "KEY_102ND", "less", 0x56, 0x61, 0x13, 0xff, 0xe2, 0x64, 0, 0, "OEM_102", NULL},
	{87, "KEY_F11", "f11", 0x57, 0x78, 0x56, 0x67, 0x7a, 0x44, 0xffc8, 0, "F11", "F11"},
	{88, "KEY_F12", "f12", 0x58, 0x07, 0x5e, 0x6f, 0x7b, 0x45, 0xffc9, 0, "F12", "F12"},
	{89, "KEY_RO", "ro", 0x73, 0x51, 0, 0x5e, 0xe2, 0x87, 0, 0, "OEM_102", "JIS_Underscore"},
	{90, "KEY_KATAKANA", NULL, 0x78, 0x63, 0, 0xff, 0x15, 0x92, 0xff26, 0, "KANA", NULL},
	{91, "KEY_HIRAGANA", "hiragana", 0x77, 0x62, 0x87, 0xff, 0, 0x93, 0xff25, 0, NULL, NULL},
	{92, "KEY_HENKAN", "henkan", 0x79, 0x64, 0x86, 0xff, 0x1c, 0x8a, 0xff23, 0, "CONVERT", NULL},
	{93, "KEY_KATAKANAHIRAGANA", "katakanahiragana", 0x70, 0x13, 0x87, 0xff, 0xf2, 0x88, 0xff27, 0, "OEM_COPY", NULL},
	{94, "KEY_MUHENKAN", "muhenkan", 0x7b, 0x67, 0x85, 0xff, 0x1d, 0x8b, 0xff22, 0, "NONCONVERT", NULL},
	{95, "KEY_KPJPCOMMA", NULL, 0x5c, 0x27, 0, 0x5f, 0, 0x8c, 0, 0, NULL, "JIS_KeypadComma"},
	{96, "KEY_KPENTER", "kp_enter", 0x9c, 0xe05a, 0x79, 0x4c, 0, 0x58, 0xff8d, 0, NULL, "ANSI_KeypadEnter"},
	{97, "KEY_RIGHTCTRL", "ctrl_r", 0x9d, 0xe014, 0x58, 0x3e, 0xa3, 0xe4, 0xffe4, 0, "RCONTROL", "RightControl"},
	{98, "KEY_KPSLASH", "kp_divide", 0xb5, 0xe04a, 0x4a, 0x4b, 0x6f, 0x54, 0xffaf, 0, "DIVIDE", "ANSI_KeypadDivide"},
	{99, "KEY_SYSRQ", "print", 0x54, 0x7f, 0x57, 0xff, 0x2c, 0x46, 0xff61, 0xff15, "SNAPSHOT", NULL},
	{100, "KEY_RIGHTALT", "alt_r", 0xb8, 0xe011, 0x39, 0x3d, 0xa5, 0xe6, 0xffea, 0xfe03, "RMENU", "RightOption"},
	{101, "KEY_LINEFEED", "lf", 0x5b, 0, 0, 0xff, 0, 0, 0xff0a, 0, NULL, NULL},
	{102, "KEY_HOME", "home", 0xc7, 0xe06c, 0x6e, 0x73, 0x24, 0x4a, 0xff50, 0, "HOME", "Home"},
	{103, "KEY_UP", "up", 0xc8, 0xe075, 0x63, 0x7e, 0x26, 0x52, 0xff52, 0, "UP", "UpArrow"},
	{104, "KEY_PAGEUP", "pgup", 0xc9, 0xe07d, 0x6f, 0x74, 0x21, 0x4b, 0xff55, 0, "PRIOR", "PageUp"},
	{105, "KEY_LEFT", "left", 0xcb, 0xe06b, 0x61, 0x7b, 0x25, 0x50, 0xff51, 0, "LEFT", "LeftArrow"},
	{106, "KEY_RIGHT", "right", 0xcd, 0xe074, 0x6a, 0x7c, 0x27, 0x4f, 0xff53, 0, "RIGHT", "RightArrow"},
	{107, "KEY_END", "end", 0xcf, 0xe069, 0x65, 0x77, 0x23, 0x4d, 0xff57, 0, "END", "End"},
	{108, "KEY_DOWN", "down", 0xd0, 0xe072, 0x60, 0x7d, 0x28, 0x51, 0xff54, 0, "DOWN", "DownArrow"},
	{109, "KEY_PAGEDOWN", "pgdn", 0xd1, 0xe07a, 0x6d, 0x79, 0x22, 0x4e, 0xff56, 0, "NEXT", "PageDown"},
	{110, "KEY_INSERT", "insert", 0xd2, 0xe070, 0x67, 0xff, 0x2d, 0x49, 0xff63, 0, "INSERT", NULL},
	{111, "KEY_DELETE", "delete", 0xd3, 0xe071, 0x64, 0x75, 0x2e, 0x4c, 0xffff, 0, "DELETE", "ForwardDelete"},
	{112, "KEY_MACRO", NULL, 0xef, 0xe06f, 0x8e, 0xff, 0, 0, 0, 0, NULL, NULL},
	{113, "KEY_MUTE", "audiomute", 0xa0, 0xe023, 0x9c, 0x4a, 0xad, 0xef, 0x1008ff12, 0, "VOLUME_MUTE", "Mute"},
	{114, "KEY_VOLUMEDOWN", "volumedown", 0xae, 0xe021, 0x9d, 0x49, 0xae, 0xee, 0x1008ff11, 0, "VOLUME_DOWN", "VolumeDown"},
	{115, "KEY_VOLUMEUP", "volumeup", 0xb0, 0xe032, 0x95, 0x48, 0xaf, 0xed, 0x1008ff13, 0, "VOLUME_UP", "VolumeUp"},
	{116, "KEY_POWER", "power", 0xde, 0xe037, 0, 0xff, 0, 0x66, 0x1008ff2a, 0x1008ff21, NULL, NULL},
	{117, "KEY_KPEQUAL", "kp_equals", 0x59, 0x0f, 0, 0x51, 0, 0x67, 0xffbd, 0, NULL, "ANSI_KeypadEquals"},
	{118, "KEY_KPPLUSMINUS", NULL, 0xce, 0xe079, 0, 0xff, 0, 0, 0, 0, NULL, NULL},
	{119, "KEY_PAUSE", "pause", 0xc6, 0xe077, 0x62, 0xff, 0x13, 0x48, 0xff13, 0xff6b, "PAUSE", NULL},
	{120, "KEY_SCALE", NULL, 0x8b, 0, 0, 0xff, 0, 0, 0, 0, NULL, NULL},
	{121, "KEY_KPCOMMA", "kp_comma", 0x7e, 0x6d, 0, 0xff, 0x6c, 0x85, 0xffac, 0, "SEPARATOR", NULL},
	{122, "KEY_HANGEUL", "lang1", 0x72, 0, 0, 0x68, 0x16, 0x90, 0xff31, 0, "IME_ON", "JIS_Kana"},
	{123, "KEY_HANJA", "lang2", 0x71, 0, 0, 0x66, 0x1a, 0x91, 0xff34, 0, "IME_OFF", "JIS_Eisu"},
	{124, "KEY_YEN", "yen", 0x7d, 0x6a, 0x5d, 0x5d, 0xdc, 0x89, 0xa5, 0, "OEM_5", "JIS_Yen"},
	{125, "KEY_LEFTMETA", "meta_l", 0xdb, 0xe01f, 0x8b, 0x37, 0x5b, 0xe3, 0xffeb, 0xffed, "LWIN", "Command"},
	{126, "KEY_RIGHTMETA", "meta_r", 0xdc, 0xe027, 0x8c, 0x36, 0x5c, 0xe7, 0xffec, 0xffee, "RWIN", "RightCommand"},
	{127, "KEY_COMPOSE", "compose", 0xdd, 0xe02f, 0x8d, 0x6e, 0x5d, 0x65, 0xff67, 0xff20, "APPS", NULL},
	{128, "KEY_STOP", "stop", 0xe8, 0xe028, 0x0a, 0xff, 0xa9, 0xf3, 0x1008ff28, 0xff69, "BROWSER_STOP", NULL},
	{129, "KEY_AGAIN", "again", 0x85, 0, 0x0b, 0xff, 0, 0x79, 0xff66, 0, NULL, NULL},
	{130, "KEY_PROPS", "props", 0x86, 0, 0x0c, 0xff, 0, 0, 0, 0, NULL, NULL},
	{131, "KEY_UNDO", "undo", 0x87, 0, 0x10, 0xff, 0, 0x7a, 0xff65, 0, NULL, NULL},
	{132, "KEY_FRONT", "front", 0x8c, 0, 0, 0xff, 0, 0x77, 0, 0, NULL, NULL},
	{133, "KEY_COPY", "copy", 0xf8, 0, 0x18, 0xff, 0, 0x7c, 0x1008ff57, 0, NULL, NULL},
	{134, "KEY_OPEN", "open", 0x64, 0, 0x20, 0xff, 0, 0x74, 0x1008ff6b, 0, NULL, NULL},
	{135, "KEY_PASTE", "paste", 0x65, 0, 0x28, 0xff, 0, 0x7d, 0x1008ff6d, 0, NULL, NULL},
	{136, "KEY_FIND", "find", 0xc1, 0, 0x30, 0xff, 0, 0xf4, 0xff68, 0, NULL, NULL},
	{137, "KEY_CUT", "cut", 0xbc, 0, 0x38, 0xff, 0, 0x7b, 0x1008ff58, 0, NULL, NULL},
	{138, "KEY_HELP", "help", 0xf5, 0, 0x09, 0x72, 0x2f, 0x75, 0xff6a, 0, "HELP", "Help"},
	{139, "KEY_MENU", "menu", 0x9e, 0, 0x91, 0xff, 0, 0x76, 0x1008ff65, 0, NULL, NULL},
	{140, "KEY_CALC", "calculator", 0xa1, 0xe02b, 0xa3, 0xff, 0, 0xfb, 0x1008ff1d, 0, NULL, NULL},
	{141, "KEY_SETUP", NULL, 0x66, 0, 0, 0xff, 0, 0, 0, 0, NULL, NULL},
	{142, "KEY_SLEEP", "sleep", 0xdf, 0xe03f, 0, 0xff, 0x5f, 0xf8, 0x1008ff2f, 0, "SLEEP", NULL},
	{143, "KEY_WAKEUP", "wake", 0xe3, 0xe05e, 0, 0xff, 0, 0, 0x1008ff2b, 0, NULL, NULL},
	{144, "KEY_FILE", NULL, 0x67, 0, 0, 0xff, 0, 0, 0x1008ff5d, 0, NULL, NULL},
	{145, "KEY_SENDFILE", NULL, 0x68, 0, 0, 0xff, 0, 0, 0, 0, NULL, NULL},
	{146, "KEY_DELETEFILE", NULL, 0x69, 0, 0, 0xff, 0, 0, 0, 0, NULL, NULL},
	{147, "KEY_XFER", NULL, 0x93, 0, 0xa2, 0xff, 0, 0, 0x1008ff8a, 0, NULL, NULL},
	{148, "KEY_PROG1", NULL, 0x9f, 0, 0xa0, 0xff, 0, 0, 0x1008ff41, 0, NULL, NULL},
	{149, "KEY_PROG2", NULL, 0x97, 0, 0xa1, 0xff, 0, 0, 0x1008ff42, 0, NULL, NULL},
	{150, "KEY_WWW", NULL, 0x82, 0, 0, 0xff, 0, 0xf0, 0x1008ff2e, 0, NULL, NULL},
	{151, "KEY_MSDOS", NULL, 0x6a, 0, 0, 0xff, 0, 0, 0x1008ff5a, 0, NULL, NULL},
	{152, "KEY_COFFEE", NULL, 0x92, 0, 0x96, 0xff, 0, 0xf9, 0x1008ff2d, 0, NULL, NULL},
	{153, "KEY_ROTATE_DISPLAY", NULL, 0x6b, 0, 0, 0xff, 0, 0, 0, 0, NULL, NULL},
	{154, "KEY_CYCLEWINDOWS", NULL, 0xa6, 0, 0x9b, 0xff, 0, 0, 0x1008ff74, 0, NULL, NULL},
	{155, "KEY_MAIL", "mail", 0xec, 0xe048, 0, 0xff, 0, 0, 0x1008ff19, 0, NULL, NULL},
	{156, "KEY_BOOKMARKS", "ac_bookmarks", 0xe6, 0xe018, 0, 0xff, 0, 0, 0x1008ff30, 0, NULL, NULL},
	{157, "KEY_COMPUTER", "computer", 0xeb, 0xe040, 0, 0xff, 0, 0, 0x1008ff33, 0, NULL, NULL},
	{158, "KEY_BACK", "ac_back", 0xea, 0xe038, 0, 0xff, 0xa6, 0xf1, 0x1008ff26, 0, "BROWSER_BACK", NULL},
	{159, "KEY_FORWARD", "ac_forward", 0xe9, 0xe030, 0, 0xff, 0xa7, 0xf2, 0x1008ff27, 0, "BROWSER_FORWARD", NULL},
	{160, "KEY_CLOSECD", NULL, 0xa3, 0, 0x9a, 0xff, 0, 0, 0, 0, NULL, NULL},
	{161, "KEY_EJECTCD", NULL, 0x6c, 0, 0, 0xff, 0, 0xec, 0x1008ff2c, 0, NULL, NULL},
	{162, "KEY_EJECTCLOSECD", NULL, 0xfd, 0, 0, 0xff, 0, 0, 0, 0, NULL, NULL},
	{163, "KEY_NEXTSONG", "audionext", 0x99, 0xe04d, 0x93, 0xff, 0xb0, 0xeb, 0x1008ff17, 0, "MEDIA_NEXT_TRACK", NULL},
	{164, "KEY_PLAYPAUSE", "audioplay", 0xa2, 0xe034, 0, 0xff, 0xb3, 0xe8, 0x1008ff14, 0, "MEDIA_PLAY_PAUSE", NULL},
	{165, "KEY_PREVIOUSSONG", "audioprev", 0x90, 0xe015, 0x94, 0xff, 0xb1, 0xea, 0x1008ff16, 0, "MEDIA_PREV_TRACK", NULL},
	{166, "KEY_STOPCD", "audiostop", 0xa4, 0xe03b, 0x98, 0xff, 0xb2, 0xe9, 0x1008ff15, 0, "MEDIA_STOP", NULL},
	{167, "KEY_RECORD", NULL, 0xb1, 0, 0x9e, 0xff, 0, 0, 0x1008ff1c, 0, NULL, NULL},
	{168, "KEY_REWIND", NULL, 0x98, 0, 0x9f, 0xff, 0, 0, 0x1008ff3e, 0, NULL, NULL},
	{169, "KEY_PHONE", NULL, 0x63, 0, 0, 0xff, 0, 0, 0x1008ff6e, 0, NULL, NULL},
	{170, "KEY_ISO", NULL, 0, 0, 0, 0x0a, 0, 0, 0, 0, NULL, "ISO_Section"},
	{171, "KEY_CONFIG", NULL, 0x81, 0, 0, 0xff, 0, 0, 0x1008ff81, 0, NULL, NULL},
	{172, "KEY_HOMEPAGE", "ac_home", 0xb2, 0xe03a, 0x97, 0xff, 0xac, 0, 0x1008ff18, 0, "BROWSER_HOME", NULL},
	{173, "KEY_REFRESH", "ac_refresh", 0xe7, 0xe020, 0, 0xff, 0xa8, 0xfa, 0x1008ff73, 0x1008ff29, "BROWSER_REFRESH", NULL},
	{174, "KEY_EXIT", NULL, 0, 0, 0, 0xff, 0, 0, 0, 0, NULL, NULL},
	{175, "KEY_MOVE", NULL, 0, 0, 0, 0xff, 0, 0, 0, 0, NULL, NULL},
	{176, "KEY_EDIT", NULL, 0x88, 0, 0, 0xff, 0, 0xf7, 0, 0, NULL, NULL},
	{177, "KEY_SCROLLUP", NULL, 0x75, 0, 0, 0xff, 0, 0xf5, 0x1008ff78, 0, NULL, NULL},
	{178, "KEY_SCROLLDOWN", NULL, 0x8f, 0, 0, 0xff, 0, 0xf6, 0x1008ff79, 0, NULL, NULL},
	{179, "KEY_KPLEFTPAREN", NULL, 0xf6, 0, 0, 0xff, 0, 0xb6, 0, 0, NULL, NULL},
	{180, "KEY_KPRIGHTPAREN", NULL, 0xfb, 0, 0, 0xff, 0, 0xb7, 0, 0, NULL, NULL},
	{181, "KEY_NEW", NULL, 0x89, 0, 0, 0xff, 0, 0, 0x1008ff68, 0, NULL, NULL},
	{182, "KEY_REDO", NULL, 0x8a, 0, 0, 0xff, 0, 0, 0, 0, NULL, NULL},
	{183, "KEY_F13", "f13", 0x5d, 0x2f, 0x7f, 0x69, 0x7c, 0x68, 0xffca, 0, "F13", "F13"},
	{184, "KEY_F14", "f14", 0x5e, 0x37, 0x80, 0x6b, 0x7d, 0x69, 0xffcb, 0, "F14", "F14"},
	{185, "KEY_F15", "f15", 0x5f, 0x3f, 0x81, 0x71, 0x7e, 0x6a, 0xffcc, 0, "F15", "F15"},
	{186, "KEY_F16", "f16", 0x55, 0, 0x82, 0x6a, 0x7f, 0x6b, 0xffcd, 0, "F16", "F16"},
	{187, "KEY_F17", "f17", 0x83, 0, 0x83, 0x40, 0x80, 0x6c, 0xffce, 0, "F17", "F17"},
	{188, "KEY_F18", "f18", 0xf7, 0, 0, 0x4f, 0x81, 0x6d, 0xffcf, 0, "F18", "F18"},
	{189, "KEY_F19", "f19", 0x84, 0, 0, 0x50, 0x82, 0x6e, 0xffd0, 0, "F19", "F19"},
	{190, "KEY_F20", "f20", 0x5a, 0, 0, 0x5a, 0x83, 0x6f, 0xffd1, 0, "F20", "F20"},
	{191, "KEY_F21", "f21", 0x74, 0, 0, 0xff, 0x84, 0x70, 0xffd2, 0, "F21", NULL},
	{192, "KEY_F22", "f22", 0xf9, 0, 0, 0xff, 0x85, 0x71, 0xffd3, 0, "F22", NULL},
	{193, "KEY_F23", "f23", 0x6d, 0, 0, 0xff, 0x86, 0x72, 0xffd4, 0, "F23", NULL},
	{194, "KEY_F24", "f24", 0x6f, 0, 0, 0xff, 0x87, 0x73, 0xffd5, 0, "F24", NULL},
	{200, "KEY_PLAYCD", NULL, 0xa8, 0, 0, 0xff, 0, 0, 0, 0, NULL, NULL},
	{201, "KEY_PAUSECD", NULL, 0xa9, 0, 0, 0xff, 0, 0, 0x1008ff31, 0, NULL, NULL},
	{202, "KEY_PROG3", NULL, 0xab, 0, 0, 0xff, 0, 0, 0x1008ff43, 0, NULL, NULL},
	{203, "KEY_PROG4", NULL, 0xac, 0, 0, 0xff, 0, 0, 0x1008ff44, 0, NULL, NULL},
	{204, "KEY_ALL_APPLICATIONS", NULL, 0xad, 0, 0, 0xff, 0, 0, 0x1008ff4b, 0, NULL, NULL},
	{205, "KEY_SUSPEND", NULL, 0xa5, 0, 0, 0xff, 0, 0, 0x1008ffa7, 0, NULL, NULL},
	{206, "KEY_CLOSE", NULL, 0xaf, 0, 0, 0xff, 0, 0, 0x1008ff56, 0, NULL, NULL},
	{207, "KEY_PLAY", NULL, 0xb3, 0, 0, 0xff, 0xfa, 0, 0, 0, "PLAY", NULL},
	{208, "KEY_FASTFORWARD", NULL, 0xb4, 0, 0, 0xff, 0, 0, 0x1008ff97, 0, NULL, NULL},
	{209, "KEY_BASSBOOST", NULL, 0xb6, 0, 0, 0xff, 0, 0, 0, 0, NULL, NULL},
	{210, "KEY_PRINT", NULL, 0xb9, 0, 0, 0xff, 0x2a, 0, 0, 0, "PRINT", NULL},
	{211, "KEY_HP", NULL, 0xba, 0, 0, 0xff, 0, 0, 0, 0, NULL, NULL},
	{212, "KEY_CAMERA", NULL, 0xbb, 0, 0, 0xff, 0, 0, 0x1008ff8f, 0, NULL, NULL},
	{213, "KEY_SOUND", NULL, 0xbd, 0, 0, 0xff, 0, 0, 0, 0, NULL, NULL},
	{214, "KEY_QUESTION", NULL, 0xbe, 0, 0, 0xff, 0, 0, 0, 0, NULL, NULL},
	{215, "KEY_EMAIL", NULL, 0xbf, 0, 0, 0xff, 0xb4, 0, 0, 0, "LAUNCH_MAIL", NULL},
	{216, "KEY_CHAT", NULL, 0xc0, 0, 0, 0xff, 0, 0, 0, 0, NULL, NULL},
	{217, "KEY_SEARCH", NULL, 0xe5, 0xe010, 0, 0xff, 0xaa, 0, 0x1008ff1b, 0, "BROWSER_SEARCH", NULL},
	{218, "KEY_CONNECT", NULL, 0xc2, 0, 0, 0xff, 0, 0, 0, 0, NULL, NULL},
	{219, "KEY_FINANCE", NULL, 0xc3, 0, 0, 0xff, 0, 0, 0x1008ff3c, 0, NULL, NULL},
	{220, "KEY_SPORT", NULL, 0xc4, 0, 0, 0xff, 0, 0, 0, 0, NULL, NULL},
	{221, "KEY_SHOP", NULL, 0xc5, 0, 0, 0xff, 0, 0, 0x1008ff36, 0, NULL, NULL},
	{222, "KEY_ALTERASE", NULL, 0x94, 0, 0, 0xff, 0, 0, 0, 0, NULL, NULL},
	{223, "KEY_CANCEL", NULL, 0xca, 0, 0, 0xff, 0, 0, 0, 0, NULL, NULL},
	{224, "KEY_BRIGHTNESSDOWN", NULL, 0xcc, 0, 0, 0xff, 0, 0, 0x1008ff03, 0, NULL, NULL},
	{225, "KEY_BRIGHTNESSUP", NULL, 0xd4, 0, 0, 0xff, 0, 0, 0x1008ff02, 0, NULL, NULL},
	{226, "KEY_MEDIA", "mediaselect", 0xed, 0xe050, 0, 0xff, 0, 0, 0x1008ff32, 0, NULL, NULL},
	{227, "KEY_SWITCHVIDEOMODE", NULL, 0xd6, 0, 0, 0xff, 0, 0, 0x1008ff59, 0, NULL, NULL},
	{228, "KEY_KBDILLUMTOGGLE", NULL, 0xd7, 0, 0, 0xff, 0, 0, 0x1008ff04, 0, NULL, NULL},
	{229, "KEY_KBDILLUMDOWN", NULL, 0xd8, 0, 0, 0xff, 0, 0, 0x1008ff06, 0, NULL, NULL},
	{230, "KEY_KBDILLUMUP", NULL, 0xd9, 0, 0, 0xff, 0, 0, 0x1008ff05, 0, NULL, NULL},
	{231, "KEY_SEND", NULL, 0xda, 0, 0, 0xff, 0, 0, 0x1008ff7b, 0, NULL, NULL},
	{232, "KEY_REPLY", NULL, 0xe4, 0, 0, 0xff, 0, 0, 0x1008ff72, 0, NULL, NULL},
	{233, "KEY_FORWARDMAIL", NULL, 0x8e, 0, 0, 0xff, 0, 0, 0x1008ff90, 0, NULL, NULL},
	{234, "KEY_SAVE", NULL, 0xd5, 0, 0, 0xff, 0, 0, 0x1008ff77, 0, NULL, NULL},
	{235, "KEY_DOCUMENTS", NULL, 0xf0, 0, 0, 0xff, 0, 0, 0x1008ff5b, 0, NULL, NULL},
	{236, "KEY_BATTERY", NULL, 0xf1, 0, 0, 0xff, 0, 0, 0x1008ff93, 0, NULL, NULL},
	{237, "KEY_BLUETOOTH", NULL, 0xf2, 0, 0, 0xff, 0, 0, 0x1008ff94, 0, NULL, NULL},
	{238, "KEY_WLAN", NULL, 0xf3, 0, 0, 0xff, 0, 0, 0x1008ff95, 0, NULL, NULL},
	{239, "KEY_UWB", NULL, 0xf4, 0, 0, 0xff, 0, 0, 0x1008ff96, 0, NULL, NULL},
	{241, "KEY_VIDEO_NEXT", NULL, 0, 0, 0, 0xff, 0, 0, 0, 0, NULL, NULL},
	{242, "KEY_VIDEO_PREV", NULL, 0, 0, 0, 0xff, 0, 0, 0, 0, NULL, NULL},
	{243, "KEY_BRIGHTNESS_CYCLE", NULL, 0, 0, 0, 0xff, 0, 0, 0, 0, NULL, NULL},
	{244, "KEY_BRIGHTNESS_AUTO", NULL, 0, 0, 0, 0xff, 0, 0, 0, 0, NULL, NULL},
	{245, "KEY_DISPLAY_OFF", NULL, 0, 0, 0, 0xff, 0, 0, 0, 0, NULL, NULL},
	{246, "KEY_WWAN", NULL, 0, 0, 0, 0xff, 0, 0, 0x1008ffb4, 0, NULL, NULL},
	{247, "KEY_RFKILL", NULL, 0, 0, 0, 0xff, 0, 0, 0x1008ffb5, 0, NULL, NULL},
	{248, "KEY_MICMUTE", NULL, 0, 0, 0, 0xff, 0, 0, 0x1008ffb2, 0, NULL, NULL},
};
/* clang-format on */

/* Further names. */
static const struct {
	const char *name;    /* "KEY_ESC" */
	uint8_t code;
} aliases[] = {
	{"asterisk", 55},
	{"sysrq", SYSRQ},
	{"KEY_PRINTSCREEN", SYSRQ},
	{"KEY_HANGUEL", 122},
	{"KEY_SCREENLOCK", 152},
	{"KEY_DIRECTION", 153},
	{"KEY_DASHBOARD", 204},
	{"KEY_BRIGHTNESS_ZERO", 244},
	{"KEY_WIMAX", 246},
};

const char *const keycode_sets[] = {"linux", "xt",    "atset1", "atset2", "atset3", "os_x",
	                            "xt_kbd", "win32", "usb",    "rfb",    "qnum",   NULL};

static const struct key *find(unsigned code)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].code == code)
			return &keys[i];
	return NULL;
}

/* Is @name @prefix and @rest? */
static bool is(const char *name, const char *prefix, const char *rest)
{
	size_t n = strlen(prefix);
	return rest && !strncasecmp(name, prefix, n) && !strcasecmp(name + n, rest);
}

unsigned keycode_from_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (is(name, "", keys[i].qcode) || is(name, "", keys[i].name))
			return keys[i].code;
	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++)
		if (!strcasecmp(name, aliases[i].name))
			return aliases[i].code;
	return 0;
}

unsigned keycode_from_set_name(const char *codeset, const char *name)
{
	bool win32 = !strcmp(codeset, "win32"), osx = !strcmp(codeset, "os_x");
	if (!strcmp(codeset, "linux"))
		return strncasecmp(name, PREFIX, strlen(PREFIX)) ? 0 : keycode_from_name(name);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if ((win32 && is(name, "VK_", keys[i].win32_name)) || (osx && is(name, "", keys[i].osx_name)))
			return keys[i].code;
	return 0;
}

unsigned keycode_from_xt(unsigned xt)
{
	if (xt == 0xb7) /* Print without Alt; 0x54 in the table is what it is with Alt */
		return SYSRQ;
	for (size_t i = 0; xt && i < ARRAY_SIZE(keys); i++)
		if (keys[i].xt == xt)
			return keys[i].code;
	return 0;
}

/* Scan code set 1 with E0 as a number: e0xx, or as X servers of XFree86 number them: 1xx. */
static unsigned wide(const struct key *k, unsigned prefix)
{
	return k->xt & 0x80 ? prefix | (k->xt & 0x7f) : k->xt;
}

static unsigned set_linux(const struct key *k) { return k->code; }
static unsigned set_xt(const struct key *k) { return wide(k, 0xe000); }
static unsigned set_xt_kbd(const struct key *k) { return wide(k, 0x100); }
static unsigned set_qnum(const struct key *k) { return k->xt; }
static unsigned set_at2(const struct key *k) { return k->set2; }
static unsigned set_at3(const struct key *k) { return k->set3; }
static unsigned set_osx(const struct key *k) { return k->osx; }
static unsigned set_win32(const struct key *k) { return k->win32; }
static unsigned set_usb(const struct key *k) { return k->usb; }

unsigned keycode_from_set(const char *codeset, unsigned code)
{
	/* as keycode_sets[] */
	static unsigned (*const number[])(const struct key *) = {set_linux, set_xt,   set_xt,     set_at2,
								 set_at3,   set_osx,  set_xt_kbd, set_win32,
								 set_usb,   set_qnum, set_qnum};
	_Static_assert(ARRAY_SIZE(number) + 1 == ARRAY_SIZE(keycode_sets), "a function for each set");
	for (size_t s = 0; keycode_sets[s]; s++) {
		if (strcmp(keycode_sets[s], codeset))
			continue;
		unsigned none = number[s] == set_osx ? NO_OSX : 0;
		for (size_t i = 0; code != none && i < ARRAY_SIZE(keys); i++)
			if (number[s](&keys[i]) == code)
				return keys[i].code;
	}
	return 0;
}

unsigned keycode_from_keysym(uint32_t keysym, bool *shift)
{
	*shift = false;
	if (keysym >> 24 == 1 && (keysym & 0xffffff) < 0x100) /* Unicode's first page has keysyms of its own */
		keysym &= 0xff;
	for (size_t i = 0; keysym && i < ARRAY_SIZE(keys); i++) {
		if (keys[i].sym != keysym && keys[i].sym2 != keysym)
			continue;
		*shift = keys[i].sym != keysym && (keysym < 0x100 || keysym == 0xfe20); /* ISO_Left_Tab */
		return keys[i].code;
	}
	return 0;
}

static unsigned put(uint8_t out[8], const void *bytes, unsigned n)
{
	memcpy(out, bytes, n);
	return n;
}

unsigned keycode_set1(unsigned code, bool down, uint8_t out[8])
{
	const struct key *k = find(code);
	if (code == PAUSE)
		return down ? put(out, "\xe1\x1d\x45\xe1\x9d\xc5", 6) : 0;
	if (code == SYSRQ)
		return put(out, down ? "\xe0\x2a\xe0\x37" : "\xe0\xb7\xe0\xaa", 4);
	unsigned n = 0;
	if (!k || !k->xt)
		return 0;
	if (k->xt & 0x80)
		out[n++] = 0xe0;
	out[n++] = (uint8_t)((k->xt & 0x7f) | (down ? 0 : 0x80));
	return n;
}

unsigned keycode_set2(unsigned code, bool down, uint8_t out[8])
{
	const struct key *k = find(code);
	if (code == PAUSE)
		return down ? put(out, "\xe1\x14\x77\xe1\xf0\x14\xf0\x77", 8) : 0;
	if (code == SYSRQ)
		return down ? put(out, "\xe0\x12\xe0\x7c", 4) : put(out, "\xe0\xf0\x7c\xe0\xf0\x12", 6);
	unsigned n = 0;
	if (!k || !k->set2)
		return 0;
	if (k->set2 >> 8)
		out[n++] = 0xe0;
	if (!down)
		out[n++] = 0xf0;
	out[n++] = (uint8_t)k->set2;
	return n;
}

uint8_t keycode_set3(unsigned code)
{
	const struct key *k = find(code);
	return k ? k->set3 : 0;
}

const char *keycode_name(unsigned code)
{
	const struct key *k = find(code);
	return k ? k->name : NULL;
}

const char *keycode_qcode(unsigned code)
{
	const struct key *k = find(code);
	return k ? k->qcode : NULL;
}
