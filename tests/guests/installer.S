/* A CD's boot sector that installs a system: it writes the disk's boot sector, says so on ttyS0, and waits for a letter:
 *   r  reset through port 0xCF9    p  power off
 * What it has written says "hello from the installed disk" there, and takes the same letters. The Makefile makes an image of it,
 * which is the boot image of a CD (El Torito, no emulation, 4 sectors). */
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
	mov $begins, %si
	call say
	mov $packet, %si
	mov $0x4300, %ax /* write, and no verification: to the first disk */
	mov $0x80, %dl
	int $0x13
	mov $failed, %si
	jc 2f
	mov $written, %si
2:	call say
	jmp wait

/* The text at SI on ttyS0. */
say:	lodsb
	test %al, %al
	jz 4f
	mov %al, %bl
	mov $0x3fd, %dx
3:	inb %dx, %al
	test $0x20, %al
	jz 3b
	mov $0x3f8, %dx
	mov %bl, %al
	outb %al, %dx
	jmp say
4:	ret

begins:	.asciz "installing\r\n"
written:
	.asciz "the disk is written\r\n"
failed:	.asciz "the disk cannot be written\r\n"
	.balign 4
packet:	.byte 16, 0
	.word 1, disk, 0
	.quad 0

/* Position independent: in both sectors. */
	.macro letters
	cli
5:	mov $0x3fd, %dx
	inb %dx, %al
	test $1, %al
	jz 5b
	mov $0x3f8, %dx
	inb %dx, %al
	cmp $'r', %al
	je 6f
	cmp $'p', %al
	jne 5b
	mov $0x604, %dx
	mov $0x2000, %ax
	outw %ax, %dx
6:	mov $0xcf9, %dx
	mov $2, %al
	outb %al, %dx
	mov $6, %al
	outb %al, %dx
7:	hlt
	jmp 7b
	.endm

wait:	letters

	.org 512
disk:	xor %ax, %ax
	mov %ax, %ds
	mov %ax, %ss
	mov $0x7c00, %sp
	mov $hello - disk + 0x7c00, %si
8:	lodsb
	test %al, %al
	jz 10f
	mov %al, %bl
9:	mov $0x3fd, %dx
	inb %dx, %al
	test $0x20, %al
	jz 9b
	mov $0x3f8, %dx
	mov %bl, %al
	outb %al, %dx
	jmp 8b
10:	letters
hello:	.asciz "hello from the installed disk\r\n"
	.org 1022
	.word 0xaa55
	.section .note.GNU-stack, "", @progbits
