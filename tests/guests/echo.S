/* A guest of a few bytes, started through its PVH note: greets on ttyS0, then does what single letters typed there say.
 *   p  power off (ACPI S5)     c  reset through port 0xCF9     k  reset through the keyboard controller
 *   t  triple fault            s  spin for ever               h  halt with interrupts off
 *   I  idle: halt with interrupts on, of which none comes      Q  echo all from now on
 *   Y  tell what the keyboard sends, as hexadecimal numbers
 * Anything else is echoed. The Makefile's GUEST_LDFLAGS place it. */
	.section .note.pvh, "a", @note
	.long 4, 4, 18 /* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.long start

	.text
	.code32
	.globl start
start:
	mov $greeting, %esi
1:	lodsb
	test %al, %al
	jz next
	call put
	jmp 1b

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
	cmp $'t', %al
	je triple
	cmp $'s', %al
	je spin
	cmp $'h', %al
	je halt
	cmp $'I', %al
	je idle
	cmp $'Q', %al
	je quote
	cmp $'Y', %al
	je keys
	call put
	jmp next

/* Send AL. */
put:	mov %al, %bl
	mov $0x3fd, %dx
3:	inb %dx, %al
	test $0x20, %al
	jz 3b
	mov $0x3f8, %dx
	mov %bl, %al
	outb %al, %dx
	ret

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
triple:	lidt no_idt
	xor %ecx, %ecx
	div %ecx
halt:	cli
	hlt
	jmp halt
spin:	jmp spin

idle:	mov $0xff, %al /* both interrupt controllers: nothing */
	outb %al, $0x21
	outb %al, $0xa1
4:	sti
	hlt
	jmp 4b

quote:	mov $0x3fd, %dx
5:	inb %dx, %al
	test $1, %al
	jz 5b
	mov $0x3f8, %dx
	inb %dx, %al
	call put
	jmp quote

keys:	mov $'>', %al
	call put
6:	inb $0x64, %al
	test $1, %al
	jz 6b
	inb $0x60, %al
	mov %al, %bh
	shr $4, %al
	call digit
	mov %bh, %al
	and $15, %al
	call digit
	mov $' ', %al
	call put
	jmp 6b
digit:	add $'0', %al
	cmp $'9', %al
	jbe put
	add $('a' - '0' - 10), %al
	jmp put

greeting:
	.asciz "hello from the guest\r\n"
no_idt:	.word 0
	.long 0
	.section .note.GNU-stack, "", @progbits
