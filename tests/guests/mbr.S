/* A boot sector: greets on ttyS0 and on the screen, then does what single letters typed on ttyS0 say, as echo.S does:
 *   p  power off (ACPI S5, where SeaBIOS puts it)    c  reset through port 0xCF9    f  give up (int 18h)
 *   k  reset through the keyboard controller                    B  clear the screen
 *   W  wait for a key, and say which (int 16h)                  M  clear the screen, and be a picture: mode 13h, a line in it
 *   d  read the disk's second sector, which begins with a text
 * Anything else is echoed. The Makefile makes an image of it. */
	.code16
	.text
	.globl start
start:
	ljmp $0, $1f
1:	xor %ax, %ax
	mov %ax, %ds
	mov %ax, %es
	mov %ax, %ss
	mov $0x7c00, %sp
	mov %dl, drive
	mov $greeting, %si
	call show
	call settle
	mov $greeting, %si
	call say
	cli
next:	mov $0x3fd, %dx
2:	inb %dx, %al
	test $1, %al
	jz 2b
	mov $0x3f8, %dx
	inb %dx, %al
	cmp $'p', %al
	je poweroff
	cmp $'c', %al
	je reset_cf9
	cmp $'k', %al
	je reset_kbd
	cmp $'f', %al
	je give_up
	cmp $'B', %al
	je blank
	cmp $'M', %al
	je picture
	cmp $'W', %al
	je key
	cmp $'d', %al
	je disk
	call put
	jmp next

/* Where the screen is ttyS0, SeaBIOS keeps the end of a text back until a tick of its clock. */
settle:	mov 0x46c, %ah
	add $2, %ah
	sti
5:	hlt
	cmp %ah, 0x46c
	jne 5b
	ret

/* The text at SI on the screen. */
show:	lodsb
	test %al, %al
	jz 3f
	mov $0x0e, %ah
	mov $7, %bx
	int $0x10
	jmp show
/* The text at SI on ttyS0. */
say:	lodsb
	test %al, %al
	jz 3f
	call put
	jmp say
3:	ret

put:	mov %al, %bl
	mov $0x3fd, %dx
4:	inb %dx, %al
	test $0x20, %al
	jz 4b
	mov $0x3f8, %dx
	mov %bl, %al
	outb %al, %dx
	ret

blank:	mov $3, %ax
	int $0x10
	cli
	jmp next
picture:
	mov $0x13, %ax
	int $0x10
	mov $0xa000, %ax
	mov %ax, %es
	mov $(320 * 100), %di
	mov $320, %cx
	mov $15, %al
	rep stosb
	xor %ax, %ax
	mov %ax, %es
	cli
	jmp next
key:	sti
	xor %ax, %ax
	int $0x16
	cli
	call put
	jmp next

disk:	sti
	mov $packet, %si
	mov drive, %dl
	mov $0x42, %ah
	int $0x13
	cli
	mov $0x8000, %si
	jnc 5f
	mov $failed, %si
5:	call say
	jmp next

poweroff:
	mov $0x604, %dx
	mov $0x2000, %ax
	outw %ax, %dx
	jmp halt
reset_cf9:
	mov $0xcf9, %dx
	mov $2, %al
	outb %al, %dx
	mov $6, %al
	outb %al, %dx
	jmp halt
reset_kbd:
	mov $0xfe, %al
	outb %al, $0x64
	jmp halt
give_up:
	sti
	int $0x18
halt:	cli
	hlt
	jmp halt

greeting:
	.asciz "hello from the boot sector\r\n"
failed:	.asciz "disk error\r\n"
drive:	.byte 0
packet:	.byte 16, 0
	.word 1, 0x8000, 0
	.quad 1
	.org 510
	.word 0xaa55
	.asciz "hello from the second sector\r\n"
	.section .note.GNU-stack, "", @progbits
